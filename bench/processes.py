"""What processes cost, and on which cores they run; read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    # The name, in brackets, may have blanks; what follows it may not.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parent_of(pid: int) -> int:
    """The process that a process belongs to; 0 if it has ended."""
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def cpu_s(pid: int) -> float:
    """Seconds of CPU that one process has used, in all its threads."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree_cpu_s(pid: int) -> float:
    """Seconds of CPU of a process and all its descendants, those that have ended included."""
    total = 0.0
    for one in (pid, *descendants(pid)):
        try:
            fields = _stat(one)
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        total += sum(int(field) for field in fields[11:15]) / TICKS
    return total


def reset_peak_memory(pid: int) -> int:
    """Forgets the peak so far; the bytes that a process has in memory now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _memory(pid, "VmRSS")


def peak_memory(pid: int) -> int:
    """The most bytes that a process has had in memory since."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int(_stat(int(folder.name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, looked = [pid], 0
    while looked < len(found):
        found += children.get(found[looked], [])
        looked += 1
    return found[1:]


def find(parent: int, word: str) -> int:
    """The child of a process whose command line has this word."""
    for pid in descendants(parent):
        if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    raise LookupError(f"no process {word} below {parent}")


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


@contextmanager
def on_core(core: int, *pids: int) -> Iterator[None]:
    """Keeps processes on one core, so that two servers are asked under the same conditions."""
    before = {pid: os.sched_getaffinity(pid) for pid in pids}
    for pid in pids:
        os.sched_setaffinity(pid, {core})
    try:
        yield
    finally:
        for pid, where in before.items():
            os.sched_setaffinity(pid, where)
