"""The folders of children's own: where each lies, and whose it is."""

from __future__ import annotations

from pathlib import Path


def home_of(work: Path, parent_pid: int, pid: int) -> Path:
    """Returns the folder of a child of that parent."""
    return work / f"{parent_pid}-{pid}"


def homes_of(work: Path, parent_pid: int) -> dict[int, Path]:
    """Returns the folders that there are of a parent's children, by the child's process."""
    return {int(home.name.rpartition("-")[2]): home for home in work.glob(f"{parent_pid}-*")}
