"""What one call may use."""

from __future__ import annotations

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

    def to_wire(self) -> dict[str, Any]:
        """Returns the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Limits:
        """Returns what to_wire() was called on."""
        return cls(**wire)

    def apply(self) -> None:
        """Sets the resource limits of this process, for good."""
        base = address_space_bytes()
        resource.setrlimit(resource.RLIMIT_AS, (base + self.memory_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_bytes,) * 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def address_space_bytes() -> int:
    """Returns the size of this process's address space in bytes."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # not a real file
        return int(statm.read().split()[0]) * resource.getpagesize()
