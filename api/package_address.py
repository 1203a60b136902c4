"""Where a package of a URL is: its name, its library, and the path it is served under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PackageAddress:
    """A package as a URL names it.

    Attributes:
        name: The package's own name, which may differ from that of its repository.
        path: The path below the mount: `/library/MASS`, `/apps/owner/repo`.
        library: The folder of the library that has it; None is R's own search.
    """

    name: str
    path: str
    library: str | None = None

    @property
    def place(self) -> str:
        """What lists of functions call it: by its name, or by its place if in another library."""
        return self.name if self.library is None else self.path.lstrip("/")

    def fields(self, **more: Any) -> dict[str, Any]:
        """Returns the fields with which the engine is asked about the package."""
        found = {"package": self.name, **more}
        return found if self.library is None else {**found, "library": self.library}
