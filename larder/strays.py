"""Strays: processes whose parent died, which the kernel gave to this one."""

import os
import signal
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


def end_strays(known: Collection[int]) -> bool:
    """Kills and collects every child of this process that is not `known`; whether any is left.

    They are what an engine leaves behind that was killed: programs started by R code, mostly.
    As process 1 of a container we are also given what others started there. Those belong to
    another session and are only collected, once they have ended.
    """
    left = False
    for pid in _children():
        if pid not in known:
            if _is_ours(pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            left |= not _collect(pid) and _is_ours(pid)
    return left


def _children() -> list[int]:
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:  # a kernel without this list
        return []
    return [int(pid) for pid in listed.split()]


def _is_ours(pid: int) -> bool:
    if os.getpid() != 1:
        return True
    try:
        return os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False


def _collect(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
