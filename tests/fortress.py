"""An engine to be attacked: on a host that grants much or little, with things to lose around it."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from compiled import furnish, keep
from serving import ROOT, wait_until

from cache.sessions import SessionFolder, Stage
from engine.broker import BrokerConfig
from engine.call import Argument, FunctionCall, Output
from engine.errors import EngineUnavailable, LimitReached, RError
from engine.evaluation import Evaluation
from engine.left_files import remove_tree
from engine.limits import Limits
from engine.pool import Pool

NOBODY = 65534
OUTSIDE_FILES = frozenset({"network", "processes", "kernel", "exhaustion"})
EVERYTHING = OUTSIDE_FILES | {"reading", "writing", "tampering"}
SPARES, LIVE = 2, 10
SECRET = "the secret of the house"
HELPERS = """
# What became of an attack, in one line: what R warned of, or raised, or else the value.
attempt <- function(expr) {
  warned <- character()
  tryCatch({
    value <- withCallingHandlers(expr, warning = function(w) {
      warned <<- c(warned, conditionMessage(w))
      invokeRestart("muffleWarning")
    })
    text <- paste(utils::head(as.character(unlist(value)), 20), collapse = " ")
    if (length(warned)) paste("refused:", paste(warned, collapse = "; ")) else paste("done:", text)
  }, error = function(e) paste("refused:", conditionMessage(e)))
}
arm <- function() if (!is.loaded("kernel", "attacks")) dyn.load("WEAPONS")
weapon <- function(name, ...) {
  arm()
  answer <- .C(name, ..., said = strrep(" ", 64), PACKAGE = "attacks")
  if (answer$said == "done") "got through" else stop(answer$said)
}
kernel <- function(...) {
  given <- vapply(list(...), as.character, "")
  weapon("kernel", given, length(given))
}
crash <- function(name) {
  arm()
  .C(name, PACKAGE = "attacks")
}
shell <- function(command) {
  output <- suppressWarnings(system(paste0("(", command, ") 2>&1"), intern = TRUE))
  status <- attr(output, "status")
  if (!is.null(status) && status != 0) stop(paste(c(output, status), collapse = " "))
  output
}
"""


@dataclass(frozen=True)
class Mode:
    """Who runs the server, what the host does not grant, and which attacks it has to withstand."""

    name: str
    user: int
    lacks: str = ""
    holds: frozenset[str] = EVERYTHING

    def __str__(self) -> str:
        return self.name


PLAIN = NOBODY if os.geteuid() == 0 else os.geteuid()
USER = Mode("user", PLAIN)
MODES = [
    *(
        [Mode("root", 0), Mode("root-without-capabilities", 0, "capabilities")]
        if os.geteuid() == 0
        else []
    ),
    USER,
    Mode("user-without-namespaces", PLAIN, "namespaces"),
    Mode("user-of-an-old-kernel", PLAIN, "namespaces,landlock=1"),
    Mode("user-without-landlock", PLAIN, "landlock", OUTSIDE_FILES),
]
"""Tests by a plain user cannot become root."""


class Fortress:
    """A broker with its state, a project with a secret, and a folder of the server's user.

    That folder, `outside`, and everything here belongs to the server's own user: the file system
    would let R code do what it likes.
    """

    def __init__(self, folder: Path, mode: Mode) -> None:
        self.mode = mode
        self.folder = folder
        self.state = folder / "state"
        self.project = folder / "project"
        self.outside = folder / "outside"
        self._furnish()
        self.sessions = SessionFolder(self.state / "sessions")
        furnish(self.state)
        self._own(folder)
        self.pool = Pool(self.state / "engine.sock")
        self.process = self._start()
        wait_until(self._is_ready)
        keep(self.state)
        self.info = self.pool.info()
        self.other = self._other_session()

    def evaluate(
        self, code: str, *, limits: Limits | None = None, seconds: float = 20
    ) -> Evaluation:
        stage = self._stage()
        call = FunctionCall("fort", "attempt", (Argument("expr", "code", code),))
        given = replace(limits or Limits(), wall_s=seconds)
        outputs = [Output("json", "json")]
        try:
            return self.pool.evaluate(call, stage=stage.path, limits=given, outputs=outputs)
        finally:
            self.sessions.discard(stage)

    def attempt(self, code: str, *, limits: Limits | None = None, seconds: float = 20) -> str:
        """What came of the code, in one line."""
        try:
            evaluation = self.evaluate(code, limits=limits, seconds=seconds)
        except RError as error:  # the code broke what would have stored its session
            return f"failed: {error}"
        except LimitReached as error:
            return f"stopped: {error}"
        assert evaluation.ok, evaluation.error
        body = evaluation.bodies["json"].content
        try:
            [said] = orjson.loads(body)
        except orjson.JSONDecodeError:  # the code broke what would have written its answer
            return f"failed: {body.decode()}"
        return str(said)

    @property
    def parents(self) -> list[int]:
        """The forking parents of R: the base, then the project's, which the calls come from."""
        return [template["pid"] for template in self.pool.info()["templates"]]

    @property
    def usual(self) -> int:
        """How many processes there are while nothing runs: live sessions are among them."""
        info = self.pool.info()
        return 1 + len(info["templates"]) * (1 + SPARES) + len(info["live"])

    @property
    def descendants(self) -> list[str]:
        """The command lines of all processes of the fortress."""
        found, pids = [], [self.process.pid]
        while pids:
            pid = pids.pop()
            try:
                found.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " "))
                pids += children_of(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def treasure(self) -> dict[str, tuple[object, ...]]:
        """Everything that no call may change: names, modes, owners, times, attributes, contents."""
        places = [self.outside, self.project, self.other, self.state / "apps"]
        paths = [path for place in places for path in [place, *sorted(place.rglob("*"))]]
        listing = sorted(path.name for path in (self.state / "sessions").iterdir())
        return {"sessions": tuple(listing)} | {str(path): _facts(path) for path in paths}

    def close(self) -> None:
        self.pool.close()
        self.process.terminate()
        self.process.wait(20)

    def _stage(self) -> Stage:
        stage = self.sessions.stage()
        self._own(stage.path)
        return stage

    def _furnish(self) -> None:
        (self.project / "models").mkdir(parents=True)
        (self.project / "data").mkdir()
        (self.project / "larder.yaml").write_text(f"name: fort # {SECRET}\n")
        (self.project / "data" / "numbers.csv").write_text("n\n1\n2\n")
        weapons = self.project / "data" / "attacks.so"
        source = ROOT / "tests" / "attacks.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", weapons, source], check=True)
        helpers = HELPERS.replace("WEAPONS", str(weapons))
        (self.project / "models" / "fort.R").write_text(helpers)
        release = self.state / "apps" / "releases" / "r1" / "library"
        release.mkdir(parents=True)
        (release / "file").write_text("installed\n")
        (self.state / "catalog.db").write_text(SECRET)
        (self.outside / "folder").mkdir(parents=True)
        (self.outside / "victim").write_text(f"{SECRET}\n")
        (self.outside / "victim").chmod(0o644)

    def _own(self, folder: Path) -> None:
        if os.geteuid() == 0:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, self.mode.user, self.mode.user)

    def _start(self) -> subprocess.Popen[bytes]:
        config = BrokerConfig(
            socket=str(self.state / "engine.sock"),
            state=str(self.state),
            sessions_root=str(self.state / "sessions"),
            project="fort",
            folder=str(self.project),
            spares=SPARES,
            live={"most": LIVE},
        )
        python, path = interpreter(self.mode.user)
        return subprocess.Popen(
            [python, str(ROOT / "tests" / "poor_host.py"), self.mode.lacks, config.to_json()],
            cwd="/",
            env={**os.environ, "PYTHONPATH": path, "HOME": str(self.outside), "TOKEN": SECRET},
            **(
                {"user": self.mode.user, "group": self.mode.user, "extra_groups": []}
                if os.geteuid() == 0
                else {}
            ),
        )

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, "the engine ended"
        try:
            self.pool.info()
        except EngineUnavailable:
            return False
        return True

    def _other_session(self) -> Path:
        """The published session of somebody else's call."""
        stage = self._stage()
        call = FunctionCall("base", "identity", (Argument("x", "text", SECRET),))
        self.pool.evaluate(call, stage=stage.path, limits=Limits())
        return self.sessions.publish(stage)


@contextmanager
def fortress(mode: Mode) -> Iterator[Fortress]:
    # Not below pytest's folder, which only the user who runs the tests can enter.
    folder = Path(tempfile.mkdtemp(prefix="larder-fortress-"))
    built = None
    try:
        built = Fortress(folder, mode)
        yield built
    finally:
        if built is not None:
            built.close()
        remove_tree(folder)


@contextmanager
def listeners(folder: Path) -> Iterator[dict[str, object]]:
    """Somebody to be reached: over TCP, UDP, and Unix sockets by path and without."""
    name = f"larder-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as path,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        path.bind(str(folder / "open.sock"))
        (folder / "open.sock").chmod(0o777)
        path.listen()
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "abstract": f"@{name}"}


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def interpreter(user: int) -> tuple[str, str]:
    """A Python that this user can run, and where it finds what the engine needs.

    The one that runs the tests may lie in a home folder that nobody else can enter.
    """
    path = os.pathsep.join([str(ROOT), *(place for place in sys.path if "site-packages" in place)])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if _can_run(python, user, path):
            return python, path
    raise AssertionError(f"no Python here can be run by user {user}, with Larder at {ROOT}")


def _can_run(python: str, user: int, path: str) -> bool:
    change = {"user": user, "group": user, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        tried = subprocess.run(
            [python, "-c", "import engine.broker, rpy2, orjson"],
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            check=False,
            **change,
        )
    except OSError:
        return False
    return tried.returncode == 0


def _facts(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    content = path.read_bytes() if path.is_file() else b""
    names = tuple(os.listxattr(path, follow_symlinks=False))
    return (
        found.st_mode,
        found.st_uid,
        found.st_gid,
        found.st_nlink,
        found.st_mtime_ns,
        names,
        content,
    )
