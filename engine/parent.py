"""A forking parent: R with something loaded and warmed, which only forks and reaps.

The base is started by the broker as `python -m engine.parent` with one end of a SEQPACKET pair. It
has R and what every call uses. Asked to `grow`, a parent forks another one, which loads more (the
project's models, a package) and then serves a control socket of its own. Asked to `fork`, it
answers with a pid and the child's socket; asked to `kill`, it ends the child's process group; and
it tells of every exit. One thread throughout: forking is safe because nothing else is running.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import child, reach
from engine.child import Nest
from engine.failure import as_list
from engine.host import Host
from engine.loading import load, message_of, start_base
from engine.privileges import end_with_parent
from engine.transcript import shared_memory
from engine.walls import Walls
from engine.worker import R

PR_SET_CHILD_SUBREAPER = 36


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
        for pid in self._pids.values():
            _kill_group(pid)

    def _serve(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        packet, descriptors, _, _ = socket.recv_fds(self._control, 1 << 20, 1)
        if not packet:
            return False
        command = json.loads(packet)
        match command["do"]:
            case "fork":
                self._fork(network=command["network"])
            case "grow":
                self._grow(socket.socket(fileno=descriptors[0]), command["load"])
            case "adopt":
                self._adopt(command["pid"])
            case "kill":
                self._kill(command["pid"])
        return True

    def _kill(self, pid: int) -> None:
        if pid in self._pids.values():  # else the number may be another process's by now
            _kill_group(pid)

    def _fork(self, *, network: bool) -> None:
        ours, theirs = socket.socketpair()
        transcript = shared_memory()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._forget()
            child.live(self._r, theirs, transcript, os.getppid(), self._nest, network=network)
        theirs.close()
        self._nest.make_home(pid)  # before anybody hears of the child
        self._keep(pid)
        event = {"event": "forked", "pid": pid, "network": network}
        tell(self._control, event, ours.fileno(), transcript)
        ours.close()
        os.close(transcript)

    def _grow(self, control: socket.socket, wanted: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            self._forget()
            _become_parent(self._r, control, self._nest, wanted)
        control.close()
        self._keep(pid)

    def _adopt(self, pid: int) -> None:
        """Takes a step that one of the children forked, and the kernel gave to us, for a child."""
        is_ours = pid in _children() and pid not in self._pids.values()
        if is_ours:
            self._keep(pid)
        tell(self._control, {"event": "adopted" if is_ours else "unknown", "pid": pid})

    def _keep(self, pid: int) -> None:
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        pidfd = os.pidfd_open(pid)
        self._pids[pidfd] = pid
        self._poll.register(pidfd, select.POLLIN)

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
        """Ends the processes of no child's group that were handed to us by the kernel."""
        known = set(self._pids.values())
        for stray in _children() - known:
            with contextlib.suppress(OSError):
                if os.getpgid(stray) not in known:
                    os.kill(stray, signal.SIGKILL)
                    os.waitpid(stray, 0)
                else:
                    os.waitpid(stray, os.WNOHANG)


def _children() -> set[int]:
    listing = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return {int(pid) for pid in listing.split()}


def tell(control: socket.socket, event: dict[str, Any], *descriptors: int) -> None:
    """Sends an event to the broker, with the file descriptors that belong to it."""
    socket.send_fds(control, [json.dumps(event).encode()], descriptors)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _become_parent(r: R, control: socket.socket, nest: Nest, wanted: dict[str, Any]) -> None:
    """Goes on as a forking parent of its own, in a fork of another. Never returns."""
    status = 1
    try:
        os.setpgid(0, 0)
        end_with_parent(signal.SIGKILL)  # else nobody would be left to collect it
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        with _ending_with(control):
            info = load(r, wanted, nest.work)
        tell(control, {"event": "ready", "pid": os.getpid(), **info})
        Parent(r, control, nest).run()
        status = 0
    except Exception as error:  # noqa: BLE001  # whatever stops R is the answer
        tell(control, {"event": "failed", "message": message_of(error)})
    finally:
        os._exit(status)


@contextlib.contextmanager
def _ending_with(control: socket.socket) -> Iterator[None]:
    """Has the kernel end this process when the broker gives it up.

    For while models load, when nobody looks at the control socket.
    """
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(control, fcntl.F_GETFL)
    fcntl.fcntl(control, fcntl.F_SETFL, flags | os.O_ASYNC)  # SIGIO, which ends by default
    try:
        yield
    finally:
        fcntl.fcntl(control, fcntl.F_SETFL, flags)


def walls_for(r: R, config: dict[str, Any]) -> Walls:
    """Returns the walls of the children of all parents."""
    found = r.call("r_places")
    places = reach.r_places(found["home"], as_list(found["libraries"]), found["temporary"])
    ours = reach.of_project(config["folder"], config["state"], config["reads"])
    return Walls(Host.from_wire(config["host"]), reach.of_system(places), ours)


def main() -> None:
    """Runs the base; the only argument is its configuration as JSON."""
    config = json.loads(sys.argv[1])
    control = socket.socket(fileno=config["control"])
    work = Path(config["work"])
    # A terminal's Ctrl-C is the supervisor's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    end_with_parent(signal.SIGKILL)
    try:
        r, info = start_base(config, work)
        nest = Nest(work, config["sessions_root"], walls_for(r, config))
    except Exception as error:  # noqa: BLE001  # whatever stops R from starting is the answer
        tell(control, {"event": "failed", "message": message_of(error)})
        sys.exit(1)
    tell(control, {"event": "ready", "pid": os.getpid(), **info})
    Parent(r, control, nest).run()


if __name__ == "__main__":
    main()
