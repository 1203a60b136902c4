"""The life of one forked child: walls, limits, then requests until the broker closes its socket.

A child that has made a session may stay, and be forked again for the next step of the chain.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import wire
from engine.errors import LIMITS
from engine.homes import home_of
from engine.left_files import BODIES
from engine.limits import Limits
from engine.privileges import end_with_parent, user_of
from engine.reach import Reach, of_call
from engine.walls import Walls
from engine.worker import R


@dataclass(frozen=True)
class Nest:
    """What the forking parent gives to each of its children.

    Attributes:
        work: The folder below which each makes its own for temporary files.
        sessions_root: Where the sessions are that calls may name.
        walls: What each puts up around itself.
    """

    work: Path
    sessions_root: str
    walls: Walls

    def make_home(self, pid: int) -> None:
        """Makes the folder of a child of this process, and gives it to the child."""
        home = home_of(self.work, os.getpid(), pid)
        home.mkdir(mode=0o700)
        if self.walls.own_user:
            os.chown(home, user_of(pid), user_of(pid))


def live(
    r: R,
    connection: socket.socket,
    transcript: int,
    parent_pid: int,
    nest: Nest,
    *,
    network: bool = False,
) -> None:
    """Serves requests until the other side closes. Never returns: the child ends by os._exit.

    What they print and say stands in `transcript`, a descriptor of shared memory.
    """
    status = 1
    try:
        r.transcribe(transcript)
        folder = home_of(nest.work, parent_pid, os.getpid())
        _settle(r, parent_pid, nest, folder, network=network)
        while (step := _serve(r, connection, nest, folder)) is not None:
            connection, transcript, folder = step
            r.transcribe(transcript)
            _settle_step(r, connection, parent_pid, nest, folder)
        status = 0
    except Exception:  # noqa: BLE001  # the last words of a process that must not return
        traceback.print_exc()  # nobody hears it once the walls are up: the broker says it for us
        with contextlib.suppress(OSError):
            wire.send(connection, {"crashed": traceback.format_exc()})
    finally:
        os._exit(status)


def _settle(r: R, parent_pid: int, nest: Nest, folder: Path, *, network: bool) -> None:
    """Makes this process its own: group, walls, standard streams, temporary folder."""
    os.setpgid(0, 0)
    nest.walls.put_up(parent_pid, network=network)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    for number in (signal.SIGINT, signal.SIGPIPE):
        # R goes on ignoring them. Programs do not inherit that, as they would SIG_IGN: in a
        # shell's pipe, SIGPIPE ends the one that nobody reads any more.
        signal.signal(number, _ignore)
    r.use_temporary_folder(folder)


def _ignore(_number: int, _frame: object) -> None:
    pass


def _settle_step(
    r: R, connection: socket.socket, parent_pid: int, nest: Nest, folder: Path
) -> None:
    """Makes a fork of another child its own, as far as that child's walls allow, and says so."""
    deadline = time.monotonic() + wire.HANDOVER_S
    while os.getppid() != parent_pid:  # until the kernel has given us to the forking parent
        if time.monotonic() > deadline:
            os._exit(1)
        os.sched_yield()
    end_with_parent(signal.SIGKILL)
    nest.walls.narrow()
    r.use_temporary_folder(folder)
    connection.send(wire.HELLO)


def _serve(
    r: R, connection: socket.socket, nest: Nest, folder: Path
) -> tuple[socket.socket, int, Path] | None:
    """Answers requests; returns in the fork that a step of a chain is to run in, where to go on."""
    is_closed = False
    while (message := wire.receive(connection)) is not None:
        header, _ = message
        if header.get("warm"):
            r.call("warm_child")
            r.forget_output()  # the broker may read it before the next request begins
            wire.send(connection, {})
            continue
        if "step" in header:
            step = _fork_step(connection)
            if step is not None:
                return *step, Path(header["step"])
            continue
        if not is_closed:  # once: walls and hard limits only ever tighten
            limits = Limits.from_wire(header["limits"])
            _close(nest, header, folder, limits)
            r.obey(limits)
            is_closed = True
        if header["request"]["operation"] == "values":
            for answer, blobs in r.value_cells(header["request"]).parts(header["at_once"]):
                for failed in answer["failures"].values():
                    _tell_limit(failed, limits)
                wire.send(connection, answer, blobs)
            continue
        answer, blobs = _answer(r, header)
        _tell_limit(answer, limits)
        wire.send(connection, answer, blobs)
    return None


def _tell_limit(answer: dict[str, Any], limits: Limits) -> None:
    """Has an answer say in the broker's words which limit ended the code, if one did."""
    if answer.get("limit"):
        limit = limits.reached(LIMITS[answer["limit"]["name"]], answer["limit"]["said"])
        answer["limit"] = limit.to_wire()


def _fork_step(connection: socket.socket) -> tuple[socket.socket, int] | None:
    """Forks this process, over another that ends at once: so the fork is the forking parent's.

    Only that may give it a process group of its own, and wait for it. Returns the fork's connection
    and its memory for a transcript there, and nothing here.
    """
    _, (descriptor, transcript), _, _ = socket.recv_fds(connection, 1, 2)
    theirs = socket.socket(fileno=descriptor)
    pid = os.fork()
    if pid == 0:
        if os.fork() != 0:
            os._exit(0)
        connection.close()
        return theirs, transcript
    theirs.close()
    os.close(transcript)
    os.waitpid(pid, 0)
    return None


def _close(nest: Nest, header: dict[str, Any], folder: Path, limits: Limits) -> None:
    """Closes the walls around the files of a call, and sets its limits.

    The kernel ties what it allows to a folder to the folder itself, wherever it is moved: so one in
    this child's own, which will become a session's, is not allowed by itself.
    """
    reach = of_call(header, nest.sessions_root)
    write = [path for path in reach.write if Path(path).parent != folder]
    if not header.get("within"):  # the limits of the child that it was forked from
        cells = header["request"].get("shape") or header.get("beside", {}).get("folders", [folder])
        limits.apply(counted_apart=nest.walls.counts_processes, calls=len(cells))
    nest.walls.close(Reach(reach.read, (*write, str(folder))))


def _answer(r: R, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    started = time.monotonic()
    r.work_for(header.get("request_id", ""))
    answer = r.serve(header["request"])
    answer["duration_s"] = time.monotonic() - started
    blobs: list[bytes] = []
    if isinstance(answer.get("body"), bytes):
        answer["body"] = _carry(answer["body"], header, "answer", blobs)
    for index, body in enumerate((answer.get("bodies") or {}).values()):
        if isinstance(body.get("body"), bytes):
            body["body"] = _carry(body["body"], header, f"body{index}", blobs)
    return answer, blobs


def _carry(content: bytes, header: dict[str, Any], name: str, blobs: list[bytes]) -> dict[str, Any]:
    """Large bodies go as files in the call's folder, small ones behind the header."""
    if len(content) <= wire.INLINE_BYTES:
        blobs.append(content)
        return {"blob": len(blobs) - 1}
    folder = Path(header["folder"]) / BODIES
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return {"file": name}
