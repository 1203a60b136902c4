"""The processes of this machine as /proc lists them, and those that belong to one of them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.memory import pss_bytes

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process as the kernel counts it.

    Attributes:
        pid: Its id.
        parent: The id of its parent.
        group: Its process group.
        cpu_s: Processor time of its own, and of its children that ended.
        threads: How many it has.
        rss_bytes: Memory that it takes or shares.
    """

    pid: int
    parent: int
    group: int
    cpu_s: float
    threads: int
    rss_bytes: int

    @classmethod
    def read(cls, pid: int) -> Process | None:
        """Returns a process; None where it ended. Borrowed from proc(5)."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        values = stat.rpartition(b")")[2].split()  # before that stands a name of any form
        return cls(
            pid=pid,
            parent=int(values[1]),
            group=int(values[2]),
            cpu_s=sum(map(int, values[11:15])) / TICKS_A_SECOND,
            threads=int(values[17]),
            rss_bytes=int(values[21]) * PAGE_BYTES,
        )


def running() -> list[Process]:
    """Returns all processes that can be seen."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [found for found in map(Process.read, pids) if found is not None]


@dataclass(frozen=True)
class ProcessTree:
    """A process, those of its group, and all that they started."""

    members: tuple[Process, ...]

    @classmethod
    def of(cls, pid: int, processes: Collection[Process]) -> ProcessTree:
        """Returns those of the processes that belong to this one."""
        members = {one.pid: one for one in processes if pid in (one.pid, one.group)}
        more = members
        while more:
            more = {
                one.pid: one
                for one in processes
                if one.parent in members and one.pid not in members
            }
            members |= more
        return cls(tuple(members.values()))

    @property
    def cpu_s(self) -> float:
        """Processor time of all, and of those that ended before their parents."""
        return sum(one.cpu_s for one in self.members)

    @property
    def threads(self) -> int:
        """How many threads they have together, which is what limits of processes count."""
        return sum(one.threads for one in self.members)

    def takes_more(self, most_bytes: int, origin: int) -> bool:
        """Whether they take more memory than that, beyond what the process `origin` has.

        Each was forked from that one and shares pages with it. How much is looked up only where
        it may matter: the kernel has to go through all pages.
        """
        if sum(one.rss_bytes for one in self.members) <= most_bytes:
            return False
        taken = sum(pss_bytes(one.pid) or _rss_bytes(one.pid) for one in self.members)
        return taken - pss_bytes(origin) > most_bytes


def _rss_bytes(pid: int) -> int:
    """Memory of a process that may not be looked at, or has ended meanwhile."""
    found = Process.read(pid)
    return 0 if found is None else found.rss_bytes
