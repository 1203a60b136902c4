"""How much memory processes take, as PSS: what they share counts for each in part."""

from __future__ import annotations

from pathlib import Path


def pss_bytes(pid: int) -> int:
    """Returns the memory of a process in bytes; 0 where it ended or may not be looked at."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
