"""What came out of a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.frame import Frame

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RenderedBody:
    """One answer in one format, ready to send."""

    content: bytes
    media_type: str
    headers: Headers = ()


@dataclass(frozen=True)
class BodyError:
    """Why a format could not be rendered."""

    text: str
    kind: str


@dataclass(frozen=True)
class Evaluation:
    """A finished call. `ok` is False when the function raised an error: the session tells more.

    `listing` has the session's outputs in the order they are created (`R/.val`, `stdout`, ...);
    `bodies` the outputs that were asked for.
    """

    ok: bool
    error: str | None
    error_message: str | None
    listing: tuple[str, ...]
    duration_s: float
    bodies: Mapping[str, RenderedBody] = field(default_factory=dict)
    body_errors: Mapping[str, BodyError] = field(default_factory=dict)


@dataclass(frozen=True)
class RowsAnswer:
    """What one call answered for many rows.

    `failed` are the places, from 0, of rows that failed a check; `problem` says which, and why.
    """

    frame: Frame
    failed: tuple[int, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Formal:
    """A formal argument; `default` is R source, None where there is none."""

    name: str
    default: str | None


@dataclass(frozen=True)
class FunctionContract:
    """The arguments that an R function takes."""

    package: str
    function: str
    formals: tuple[Formal, ...]

    @property
    def dots(self) -> bool:
        """Whether the function takes `...`."""
        return any(formal.name == "..." for formal in self.formals)
