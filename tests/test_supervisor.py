"""The supervisor: keeps roles running, stops them in order, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from larder.role import Backoff

ROOT = Path(__file__).parent.parent
SERVER = """
import json, logging, sys
from larder.role import Backoff, Role
from larder.supervisor import Supervisor
logging.basicConfig(level="DEBUG", format="%(message)s")
roles = [Role(**role) for role in json.loads(sys.argv[1])]
backoff = Backoff(first_s=0.02, most_s=0.1)
sys.exit(not Supervisor(roles, grace_s=float(sys.argv[2]), backoff=backoff).run())
"""
SLEEPS = "exec sleep 100"
FINISHES = "trap 'echo finished >> $OUT; exit 0' TERM; echo up >> $OUT; sleep 100 & wait"
STUBBORN = "trap '' TERM; echo up >> $OUT; while true; do sleep 1; done"
SLOW = "trap 'sleep 0.3; echo finished >> $OUT; exit 0' TERM; echo up >> $OUT; sleep 100 & wait"


class Server:
    """A supervisor of fake roles, in a process of its own; roles write to files named like them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, grace_s: float = 20, needed: str = "", **scripts: str) -> None:
        roles = [
            {
                "name": name,
                "command": ["/bin/sh", "-c", f"echo $$ >> {name}.pids; {script}"],
                "environment": {**os.environ, "OUT": f"{name}.out"},
                "serves_others": name == needed,
            }
            for name, script in scripts.items()
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, json.dumps(roles), str(grace_s)],
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for name in scripts:
            self.until(lambda name=name: self.pids(name))

    def pids(self, name: str) -> list[int]:
        path = self._folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def out(self, name: str) -> str:
        path = self._folder / f"{name}.out"
        return path.read_text() if path.exists() else ""

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        """Its exit status, and what it logged."""
        assert self.process is not None
        _, log = self.process.communicate(timeout=30)
        return self.process.returncode, log


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    if server.process is not None and not server.process.stderr.closed:  # type: ignore[union-attr]
        server.process.kill()
        server.process.communicate()


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_role_that_dies_is_started_again_and_takes_no_other_with_it(server: Server) -> None:
    server.start(steady=SLEEPS, weak="test $(wc -l < weak.pids) -gt 3 && exec sleep 100; exit 7")
    server.until(lambda: len(server.pids("weak")) == 4)
    assert len(server.pids("steady")) == 1
    assert lives(server.pids("steady")[0])
    server.signal(signal.SIGTERM)
    _, log = server.ended()
    assert "role died role=weak how=ended with status 7 restart_in_s=0.02" in log
    assert "restart_in_s=0.08" in log


def test_a_killed_role_is_started_again(server: Server) -> None:
    server.start(role=SLEEPS)
    os.kill(server.pids("role")[0], signal.SIGKILL)
    server.until(lambda: len(server.pids("role")) == 2)
    server.signal(signal.SIGTERM)
    assert "role died role=role how=was ended by SIGKILL" in server.ended()[1]


def test_pauses_between_restarts_double_up_to_a_limit() -> None:
    backoff = Backoff(first_s=0.5, most_s=15)
    assert [backoff.pause_s(deaths) for deaths in range(1, 8)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_program_that_cannot_be_started_is_tried_again(server: Server, tmp_path: Path) -> None:
    program = tmp_path / "program"
    server.start(steady=SLEEPS, later="exec ./program")
    server.until(lambda: len(server.pids("later")) == 2)
    program.write_text("#!/bin/sh\necho up > later.out\nexec sleep 100\n")
    program.chmod(0o755)
    server.until(lambda: server.out("later"))


def test_roles_finish_what_they_are_doing_when_asked_to_stop(server: Server) -> None:
    server.start(a=FINISHES, b=SLOW)
    server.until(lambda: server.out("a") and server.out("b"))
    server.signal(signal.SIGTERM)
    status, _ = server.ended()
    assert status == 0
    assert (server.out("a"), server.out("b")) == ("up\nfinished\n", "up\nfinished\n")


def test_the_role_that_others_need_stops_last(server: Server) -> None:
    engine = "trap 'cat api.out > $OUT; exit 0' TERM; echo up > $OUT; sleep 100 & wait"
    server.start(needed="engine", engine=engine, api=SLOW)
    server.until(lambda: server.out("engine") and server.out("api"))
    server.signal(signal.SIGTERM)
    assert server.ended()[0] == 0
    assert server.out("engine") == "up\nfinished\n"


def test_what_outlives_the_grace_is_killed(server: Server) -> None:
    server.start(grace_s=0.2, stubborn=STUBBORN, willing=FINISHES)
    server.until(lambda: server.out("stubborn") and server.out("willing"))
    server.signal(signal.SIGTERM)
    status, log = server.ended()
    assert status == 1
    assert "killing what has not ended roles=stubborn" in log
    assert not lives(server.pids("stubborn")[0])
    assert server.out("willing") == "up\nfinished\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_kills_at_once(server: Server, number: signal.Signals) -> None:
    server.start(stubborn=STUBBORN)
    server.until(lambda: server.out("stubborn"))
    server.signal(signal.SIGINT)
    assert server.process is not None
    assert server.process.stderr is not None
    while "stopping" not in server.process.stderr.readline():
        pass
    server.signal(number)
    assert server.ended()[0] == 1
    assert not lives(server.pids("stubborn")[0])


def test_a_signal_to_the_whole_terminal_reaches_roles_through_the_supervisor(
    server: Server,
) -> None:
    server.start(needed="engine", engine=FINISHES, api=SLOW)
    server.until(lambda: server.out("engine") and server.out("api"))
    assert server.process is not None
    os.killpg(server.process.pid, signal.SIGINT)
    assert server.ended()[0] == 0
    assert server.out("engine") == "up\nfinished\n"


def test_a_killed_supervisor_leaves_no_role_behind(server: Server) -> None:
    server.start(a=STUBBORN, b=SLEEPS)
    roles = server.pids("a") + server.pids("b")
    server.signal(signal.SIGKILL)
    server.until(lambda: not any(lives(pid) for pid in roles))


def test_what_a_dead_role_leaves_running_is_ended(server: Server) -> None:
    server.start(engine="setsid sleep 100 & echo $! >> strays.pids; wait")
    server.until(lambda: server.pids("strays"))
    stray = server.pids("strays")[0]
    os.kill(server.pids("engine")[0], signal.SIGKILL)
    server.until(lambda: not lives(stray))
    server.until(lambda: len(server.pids("strays")) == 2)
    server.signal(signal.SIGTERM)
    server.ended()
    assert not lives(server.pids("strays")[1])
