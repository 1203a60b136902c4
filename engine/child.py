"""The life of one forked child: limits, then requests until the broker closes its socket."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from engine import wire
from engine.limits import Limits
from engine.worker import R

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def live(r: R, connection: socket.socket, parent_pid: int, work: Path) -> None:
    """Serves requests until the other side closes. Never returns: the child ends by os._exit."""
    status = 1
    limited = False
    try:
        _settle(r, parent_pid, work)
        while (message := wire.receive(connection)) is not None:
            header, _ = message
            if header.get("warm"):
                r.call("warm_child")
                wire.send(connection, {})
                continue
            if not limited:  # once: hard limits only ever shrink
                Limits.from_wire(header["limits"]).apply()
                limited = True
            answer, blobs = _answer(r, header)
            wire.send(connection, answer, blobs)
        status = 0
    except Exception:  # noqa: BLE001  # the last words of a process that must not return
        traceback.print_exc()
    finally:
        os._exit(status)


def _settle(r: R, parent_pid: int, work: Path) -> None:
    """Makes this process its own: group, signals, standard streams, temporary folder."""
    os.setpgid(0, 0)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
    null = os.open(os.devnull, os.O_RDWR)
    sys.stderr = os.fdopen(
        os.dup(2), "w", buffering=1
    )  # Python's own last words; R writes to descriptor 2
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    folder = work / str(os.getpid())
    folder.mkdir(mode=0o700)
    r.use_temporary_folder(folder)


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
    folder = Path(header["folder"]) / ".bodies"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return {"file": str(folder / name)}
