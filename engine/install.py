"""Installs one package or gist into a release: a process of its own, limited, that ends whole.

Started by engine.installer as `python -m engine.install`, with the JSON of an `Order` on its
standard input. It answers one line of JSON on its standard output. SIGTERM, which it also gets
when the one who started it dies, ends everything it started and then itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import InstallFailed
from engine.install_git import Git
from engine.install_r import install_package, r_version
from engine.install_request import InstallRequest
from engine.workshop import Workshop

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OPEN_FILES = 1024


@dataclass(frozen=True)
class Order:
    """What to install, where, and what there is already.

    `current` holds commit, version, origin and R's version of the live installation, where that
    is whole; `starter` is the process whose end is the end of this one.
    """

    request: dict[str, Any]
    release: str
    starter: int
    current: dict[str, str | None] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Returns the order as the process is given it."""
        return json.dumps(asdict(self))


def carry_out(order: Order) -> dict[str, Any]:
    """Returns the facts of the installation, or `unchanged` where there is nothing to do.

    Raises:
        InstallFailed: it cannot be installed.
    """
    request = InstallRequest.from_wire(order.request)
    workshop = Workshop(Path(order.release))
    workshop.prepare()
    version = r_version(workshop)
    fits = order.current.get("r_version") == version
    if request.source == "gist":
        facts = _gist(request, workshop, order)
    elif request.source == "github":
        facts = _repository(request, workshop, order, fits=fits)
    else:
        facts = _archive(request, workshop, order, fits=fits)
    return {"r_version": version, **facts}


def _gist(request: InstallRequest, workshop: Workshop, order: Order) -> dict[str, Any]:
    git = Git(request, workshop)
    found = git.look_up()
    if found.commit is not None and found.commit == order.current.get("commit"):
        return {"unchanged": True}
    commit = git.fetch(found)
    shutil.rmtree(workshop.source / ".git")
    workshop.source.rename(workshop.files)
    shutil.rmtree(workshop.library)
    return {"origin": found.origin, "commit": commit, "packages": {}}


def _repository(
    request: InstallRequest, workshop: Workshop, order: Order, *, fits: bool
) -> dict[str, Any]:
    git = Git(request, workshop)
    found = git.look_up()
    if fits and found.commit is not None and found.commit == order.current.get("commit"):
        return {"unchanged": True}
    commit = git.fetch(found)
    if fits and commit == order.current.get("commit"):
        return {"unchanged": True}
    built = install_package(request, workshop, libraries=order.libraries, checkout=workshop.source)
    return {
        "origin": found.origin,
        "commit": commit,
        "package": built.package,
        "packages": built.packages,
    }


def _archive(
    request: InstallRequest, workshop: Workshop, order: Order, *, fits: bool
) -> dict[str, Any]:
    current = order.current.get("version") if fits else None
    built = install_package(request, workshop, libraries=order.libraries, current=current)
    if built.unchanged:
        if built.origin == order.current.get("origin"):
            return {"unchanged": True}
        built = install_package(request, workshop, libraries=order.libraries)
    return {
        "origin": built.origin,
        "digest": None if built.archive is None else _digest(built.archive),
        "package": built.package,
        "packages": built.packages,
    }


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def settle(order: Order) -> None:
    """Makes this process one that ends with its starter, takes its strays along, and is limited."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, _end)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != order.starter:
        os._exit(1)
    request = InstallRequest.from_wire(order.request)
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (request.file_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end(*_signal: object) -> None:
    end_children()
    os._exit(128 + signal.SIGTERM)


def end_children() -> None:
    """Kills everything below this process: as subreaper it inherits whoever outlives a parent."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while pids := [int(pid) for pid in children.read_text().split()]:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)


def main() -> None:
    """Carries out the order that comes as JSON on standard input."""
    order = Order(**json.loads(sys.stdin.read()))
    settle(order)
    try:
        answer = carry_out(order)
    except InstallFailed as error:
        answer = {"failed": type(error).__name__, "message": str(error)}
    end_children()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
