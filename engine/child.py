"""The life of one forked child: walls, limits, then requests until the broker closes its socket."""

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
from engine.left_files import BODIES
from engine.limits import Limits
from engine.privileges import user_of
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


def live(
    r: R, connection: socket.socket, parent_pid: int, nest: Nest, *, network: bool = False
) -> None:
    """Serves requests until the other side closes. Never returns: the child ends by os._exit."""
    status = 1
    try:
        folder = _settle(r, parent_pid, nest, network=network)
        _serve(r, connection, nest, folder)
        status = 0
    except Exception:  # noqa: BLE001  # the last words of a process that must not return
        traceback.print_exc()  # nobody hears it once the walls are up: the broker says it for us
        with contextlib.suppress(OSError):
            wire.send(connection, {"crashed": traceback.format_exc()})
    finally:
        os._exit(status)


def _settle(r: R, parent_pid: int, nest: Nest, *, network: bool) -> Path:
    """Makes this process its own: group, folder, walls, standard streams; returns the folder."""
    os.setpgid(0, 0)
    folder = nest.work / str(os.getpid())
    folder.mkdir(mode=0o700)
    if nest.walls.own_user:
        os.chown(folder, user_of(os.getpid()), user_of(os.getpid()))
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
    return folder


def _ignore(_number: int, _frame: object) -> None:
    pass


def _serve(r: R, connection: socket.socket, nest: Nest, folder: Path) -> None:
    is_closed = False
    while (message := wire.receive(connection)) is not None:
        header, _ = message
        if header.get("warm"):
            r.call("warm_child")
            wire.send(connection, {})
            continue
        if not is_closed:  # once: walls and hard limits only ever tighten
            reach = of_call(header, nest.sessions_root)
            limits = Limits.from_wire(header["limits"])
            limits.apply(counted_apart=nest.walls.counts_processes)
            nest.walls.close(Reach(reach.read, (*reach.write, str(folder))))
            is_closed = True
        answer, blobs = _answer(r, header)
        wire.send(connection, answer, blobs)


def _answer(r: R, header: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    started = time.monotonic()
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
