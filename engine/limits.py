"""What one call may use."""

from __future__ import annotations

import math
import resource
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import LimitReached

MIB = 2**20
GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds of one call, of whoever sets them; reaching one costs that call and nothing else."""

    wall_s: float = 90.0
    """Seconds by the clock, then SIGKILL to the child's whole process group."""
    memory_bytes: int = 4 * GIB
    """Memory of all its processes, beyond what the forking parent already has. Each has no more
    address space than that."""
    file_bytes: int = GIB
    """Largest file that it may write."""
    disk_bytes: int = 10 * GIB
    """What may lie in its folders, each file counted as full blocks."""
    open_files: int = 512
    processes: int = 500
    """Processes and threads that it may start."""
    output_bytes: int = 10 * MIB
    """What it may print."""
    plots: int = 1000
    """What it may draw."""
    cpu_s: float | None = None
    """Seconds of processor time of all its processes; None: as many as the clock allows."""
    network: bool = False
    """Whether it may open connections over the internet's protocols."""

    def to_wire(self) -> dict[str, Any]:
        """Returns the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Limits:
        """Returns what to_wire() was called on."""
        return cls(**wire)

    def tightened(self, other: Limits) -> Limits:
        """Returns the stricter of the two, limit by limit."""
        ours, theirs = self.to_wire(), other.to_wire()
        return Limits(**{name: _stricter(ours[name], theirs[name]) for name in ours})

    def reached(self, kind: type[LimitReached], said: str = "") -> LimitReached:
        """Returns the error of a call that reached one of these; `said` are R's own words."""
        return kind(getattr(self, kind.field), said)

    def apply(self, *, counted_apart: bool = False, calls: int = 1) -> None:
        """Sets the resource limits of this process, for good.

        They hold for each process of its own, and stop what engine/watch.py is too late for.

        Args:
            counted_apart: whether the kernel counts the processes of this call alone.
            calls: how many calls it serves, each with these limits.
        """
        base = address_space_bytes()
        resource.setrlimit(resource.RLIMIT_AS, (base + self.memory_bytes,) * 2)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python has files cut short instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self.cpu_s is not None:
            seconds = max(1, math.ceil(self.cpu_s * calls))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        _limit_processes(self.processes, counted_apart=counted_apart)


UNLIMITED = Limits(
    wall_s=math.inf,
    memory_bytes=sys.maxsize,
    file_bytes=sys.maxsize,
    disk_bytes=sys.maxsize,
    open_files=sys.maxsize,
    processes=sys.maxsize,
    output_bytes=sys.maxsize,
    plots=sys.maxsize,
    network=True,
)
"""What somebody sets who sets nothing: to be tightened."""


def _stricter(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _limit_processes(more: int, *, counted_apart: bool) -> None:
    """Lets this process start so many more.

    Unless the call has a user or a user namespace of its own, the kernel counts all of the user's
    threads, also those of other calls and programs. So they are allowed for, by the number of all
    threads of the machine: the user's own would have to be counted one by one, before every call.
    """
    limit = more + (1 if counted_apart else running_threads())
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))


def address_space_bytes() -> int:
    """Returns the size of this process's address space in bytes."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # not a real file
        return int(statm.read().split()[0]) * resource.getpagesize()


def running_threads() -> int:
    """Returns the number of threads that exist on this machine, whoever's they are."""
    with open("/proc/loadavg", encoding="ascii") as loadavg:  # noqa: PTH123  # not a real file
        return int(loadavg.read().split()[3].partition("/")[2])
