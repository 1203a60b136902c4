"""Which process is at work: a name for this one, and whether a named one is gone."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Owner:
    """A process, told apart from all that ever had or will have its number.

    Attributes:
        host: The machine's name and its space of process numbers: two containers with one
            name do not look into each other's.
        pid: The process number there.
        started: The boot and the tick at which it started, so that a reused number is another.
    """

    host: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """Returns the calling process."""
        pid = os.getpid()
        return cls(_host(), pid, _started(pid) or "unknown")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Returns the owner written as `text`, None when it was not written by `str()`."""
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"


def is_gone(owner: str) -> bool | None:
    """Returns whether that process has ended; None when this machine cannot tell.

    Nor can it tell of a process that was stopped (SIGSTOP, a debugger): it may go on, or not.
    """
    named = Owner.parse(owner)
    if named is None or named.host != _host() or not Path("/proc/self/stat").exists():
        return None
    if _started(named.pid) != named.started:
        return True
    return None if _state(named.pid) in {"T", "t"} else False


def _host() -> str:
    try:
        space = Path("/proc/self/ns/pid").readlink().name  # pid:[4026531836]
    except OSError:
        space = "pid:[?]"
    return f"{socket.gethostname()}/{space[5:-1]}"


def _started(pid: int) -> str | None:
    """Returns boot and start tick of a live process, None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return None
    fields = _fields(stat)
    if fields[0] in {"Z", "X"}:  # a killed child that its parent has not collected yet
        return None
    return f"{boot[:8]}-{fields[19]}"


def _state(pid: int) -> str:
    """Returns the letter that says what a process does, none when there is no such process."""
    try:
        return _fields(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))[0]
    except OSError:
        return ""


def _fields(stat: str) -> list[str]:
    # The command's name may hold anything, so fields are counted from its closing bracket.
    return stat.rpartition(")")[2].split()
