"""What one call may use."""

from __future__ import annotations

import math
import resource
from dataclasses import asdict, dataclass
from typing import Any

GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds of one child; reaching one costs that call and nothing else."""

    wall_s: float = 90.0
    """Seconds by the clock, then SIGKILL to the child's whole process group."""
    memory_bytes: int = 4 * GIB
    """Address space beyond what the forking parent already has."""
    file_bytes: int = GIB
    """Largest file that R may write."""
    open_files: int = 512
    processes: int = 500
    """Processes and threads that it may start; root's are not counted by the kernel."""
    cpu_s: float | None = None
    """Seconds of processor time of each of its processes; None: as many as the clock allows."""
    network: bool = False
    """Whether it may open connections over the internet's protocols."""

    def to_wire(self) -> dict[str, Any]:
        """Returns the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Limits:
        """Returns what to_wire() was called on."""
        return cls(**wire)

    def apply(self, *, counted_apart: bool = False) -> None:
        """Sets the resource limits of this process, for good.

        Args:
            counted_apart: whether the kernel counts the processes of this call alone.
        """
        base = address_space_bytes()
        resource.setrlimit(resource.RLIMIT_AS, (base + self.memory_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self.cpu_s is not None:
            seconds = max(1, math.ceil(self.cpu_s))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        _limit_processes(self.processes, counted_apart=counted_apart)


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
