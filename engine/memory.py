"""How much memory processes take."""

from __future__ import annotations

import os
from pathlib import Path


def pss_bytes(pid: int) -> int:
    """Returns the memory of a process in bytes; 0 where it ended or may not be looked at.

    What several share counts for each in part. Takes as long as a small call: it is not for each.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def grown_bytes(pid: int, origin: int) -> int:
    """Returns how much more memory a process has than the one that it was forked from; at once."""
    return max(0, _resident_bytes(pid) - _resident_bytes(origin))


def _resident_bytes(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGESIZE")
