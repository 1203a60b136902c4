"""Problem: one mistake in a project's files, with its place and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

KeyPath = tuple[str | int, ...]
"""The way to a value in a YAML file: mapping keys and list positions, from the top."""

Severity = Literal["error", "warning"]

_LONGEST = 1000


@dataclass(frozen=True, order=True)
class Place:
    """Line and column in a file, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Problem:
    """A mistake at a place; `line` 0 means that the whole file (or variable) is meant."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: Severity = "error"

    def __post_init__(self) -> None:
        """Makes one printable line of each text: what people wrote may stand in it."""
        for name in ("message", "hint"):
            object.__setattr__(self, name, _on_one_line(getattr(self, name)))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        severity = "" if self.severity == "error" else f"{self.severity}: "
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {severity}{self.message}{hint}"


@dataclass(frozen=True)
class Source:
    """Where a job stands in its file, so that later checks can still point into it.

    Attributes:
        file: The file, relative to the project.
        line: Line of the job's name.
        column: Column of the job's name.
        places: Where each part of the job stands, by its way from the job's own mapping.
    """

    file: str
    line: int
    column: int
    places: Mapping[KeyPath, Place] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, repr=False
    )

    def problem(
        self, path: KeyPath, message: str, hint: str = "", *, severity: Severity = "error"
    ) -> Problem:
        """A problem at `path`, or at its nearest ancestor that has a place."""
        place = Place(self.line, self.column)
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.places:
                place = self.places[path[:depth]]
                break
        return Problem(self.file, place.line, place.column, message, hint, severity)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def _on_one_line(text: str) -> str:
    """The text without line ends, with what cannot be seen as an escape, cut where it is long."""
    line = " ".join(text.splitlines()) if not text.isprintable() else text
    if not line.isprintable():
        line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
