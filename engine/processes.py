"""What the kernel tells of a call's processes."""

from __future__ import annotations

import os
from pathlib import Path


def is_alone(pid: int, parent_pid: int, folder_name: str) -> bool:
    """Whether a process is one thread and has no others, nor an open file in the folder.

    What it started and left is the forking parent's child by now, but still of its process group.
    """
    try:
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        if threads > 1 or children(pid):
            return False
        if any(other != pid and _group(other) == pid for other in children(parent_pid)):
            return False
        return not _holds(pid, folder_name)
    except OSError:
        return False


def has_ended(pid: int) -> bool:
    """Whether a process does nothing any more, even if nobody has asked for its status yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def children(pid: int) -> list[int]:
    """Returns the processes that a process of one thread started, or was handed.

    Raises:
        OSError: it ended.
    """
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _holds(pid: int, folder_name: str) -> bool:
    """Whether it has a file of the folder open, or in its memory: it could still change that."""
    place = f"/{folder_name}/"
    if any(place in f"{entry.readlink()}/" for entry in Path(f"/proc/{pid}/fd").iterdir()):
        return True
    return place.encode() in Path(f"/proc/{pid}/maps").read_bytes()
