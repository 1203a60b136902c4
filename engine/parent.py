"""The forking parent: R with everything loaded and warmed, which only forks and reaps.

Started by the broker as `python -m engine.parent` with one end of a SEQPACKET pair. It answers
`fork` with a pid and the child's socket, `kill` by SIGKILL to the child's process group, and tells
of every exit. One thread throughout: forking is safe because there is nothing else running.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from engine import child, reach
from engine.child import Nest
from engine.host import Host
from engine.privileges import end_with_parent
from engine.reply import as_list
from engine.walls import Walls
from engine.worker import R

PR_SET_CHILD_SUBREAPER = 36
WARM_UPS = 4
"""Times the real call path runs before the first fork: R compiles a function at its third call."""


class Parent:
    """Forks children on request; owns their pids until they are reaped."""

    def __init__(self, r: R, control: socket.socket, nest: Nest) -> None:
        self._r = r
        self._control = control
        self._nest = nest
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        self._pids: dict[int, int] = {}  # pidfd -> pid

    def run(self) -> None:
        """Serves the broker until it closes the control socket."""
        with contextlib.suppress(ConnectionError):  # it went away in the middle of a word
            self._serve()

    def _serve(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        packet = self._control.recv(65536)
        if not packet:
            return False
        command = json.loads(packet)
        if command["do"] == "fork":
            self._fork(network=command["network"])
        elif command["do"] == "kill":
            self._kill(command["pid"])
        return True

    def _kill(self, pid: int) -> None:
        if pid in self._pids.values():  # else the number may be another process's by now
            _kill_group(pid)

    def _fork(self, *, network: bool) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._forget()
            child.live(self._r, theirs, os.getppid(), self._nest, network=network)
        theirs.close()
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        pidfd = os.pidfd_open(pid)
        self._pids[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)
        event = {"event": "forked", "pid": pid, "network": network}
        tell(self._control, event, ours.fileno())
        ours.close()

    def _forget(self) -> None:
        """Closes in the child what belongs to the parent."""
        self._control.close()
        for pidfd in self._pids:
            os.close(pidfd)

    def _reap(self, pidfd: int) -> None:
        pid = self._pids.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        # Before waitpid: the zombie still holds the group's id. Background processes end here.
        _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        self._reap_strays()
        tell(self._control, {"event": "exit", "pid": pid, "status": status})

    def _reap_strays(self) -> None:
        """Ends processes that left their group and were handed to us by the kernel."""
        listing = Path(f"/proc/self/task/{os.getpid()}/children")
        known = set(self._pids.values())
        for stray in (int(pid) for pid in listing.read_text().split()):
            if stray not in known:
                with contextlib.suppress(OSError):
                    os.kill(stray, signal.SIGKILL)
                    os.waitpid(stray, 0)


def tell(control: socket.socket, event: dict[str, Any], descriptor: int | None = None) -> None:
    """Sends an event to the broker, with a file descriptor if there is one."""
    packet = json.dumps(event).encode()
    if descriptor is None:
        control.send(packet)
    else:
        socket.send_fds(control, [packet], [descriptor])


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def start_r(config: dict[str, Any], work: Path) -> tuple[R, dict[str, Any]]:
    """Returns the prepared R and what the broker should know of it."""
    r = R()
    for name in ("sessions_root", "json_digits", "ocpu_version"):
        r.set(name, config[name])
    exports: list[str] = []
    system_libraries = r.call("add_libraries", config["libraries"])
    r.call("prepare", config["preload"])
    if config["project"] is not None:
        found = r.call("load_project", config["project"], config["folder"], config["state"])
        exports = as_list(found)
        r.call("remember_information")
    warm_folder = work / "warm"
    warm_folder.mkdir(mode=0o700, exist_ok=True)
    r.call("warm", str(warm_folder), WARM_UPS)
    info = r.call("describe_r")
    return r, {"exports": exports, "r": info, "system_libraries": as_list(system_libraries)}


def walls_for(r: R, config: dict[str, Any]) -> Walls:
    """Returns the walls of this parent's children."""
    found = r.call("r_places")
    places = reach.r_places(found["home"], as_list(found["libraries"]), found["temporary"])
    ours = reach.of_project(config["folder"], config["state"], config["reads"])
    return Walls(Host.from_wire(config["host"]), reach.standing(places, ours))


def main() -> None:
    """Runs the forking parent; the only argument is its configuration as JSON."""
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    work = Path(config["work"])
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal's Ctrl-C is the supervisor's to handle
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    end_with_parent(signal.SIGKILL)
    try:
        r, info = start_r(config, work)
        nest = Nest(work, config["sessions_root"], walls_for(r, config))
    except Exception as error:  # noqa: BLE001  # whatever stops R from starting is the answer
        tell(control, {"event": "failed", "message": _message(error)})
        sys.exit(1)
    tell(control, {"event": "ready", **info})
    Parent(r, control, nest).run()


def _message(error: Exception) -> str:
    """R's own message, without the `Error in f():` that rpy2 puts before it."""
    text = str(error).strip()
    return text.partition(":")[2].strip() if text.startswith("Error") else text


if __name__ == "__main__":
    main()
