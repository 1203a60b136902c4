"""What R is asked to evaluate, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

ArgumentKind = Literal[
    "code",
    "json",
    "text",
    "file",
    "rds",
    "pb",
    "bytes",
    "empty",
    "secret",
    "data",
    "code_file",
    "json_file",
    "text_file",
    "data_file",
]


class Priority(IntEnum):
    """Who goes first when more calls wait than may run; smaller is sooner."""

    LIVE = 0
    """Somebody waits for the answer."""
    REFRESH = 5
    """A stale answer was served; its successor is made behind it."""
    SCHEDULED_HIGH = 8
    """Precomputed by a run of a job that goes before others."""
    SCHEDULED = 10
    """Precomputed by a run."""
    SCHEDULED_LOW = 12
    """Precomputed by a run of a job that can wait for others."""


@dataclass(frozen=True)
class Argument:
    """One argument, by how it has to be read.

    `code` is a form field, read by OpenCPU's ladder (JSON, session key, constant, code); `json` is
    JSON text; `text` a literal string; `file` the name of a file already in the call's folder;
    `data` is one that must not be code, where names stand for data. `rds`, `pb` and `bytes` name
    a file in the folder's `.inputs`, and so do `code_file`, `json_file`, `text_file` and
    `data_file`, for long texts; `empty` is an empty argument. `secret` is a text that the function
    gets, and that is neither shown nor kept.
    """

    name: str
    kind: ArgumentKind
    value: str = ""

    def to_wire(self) -> dict[str, str]:
        """Returns the fields as the R side names them."""
        return {"name": self.name, "kind": self.kind, "value": self.value}


@dataclass(frozen=True)
class Output:
    """A format to render in the same child: `format` with its query `options`, kept as `label`."""

    label: str
    format: str
    options: dict[str, str] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Returns the fields as the R side names them."""
        return {"label": self.label, "format": self.format, "options": self.options}


@dataclass(frozen=True)
class FunctionCall:
    """A function of a package, or one stored in a session, with its arguments.

    `body` is a whole request body whose fields are the arguments: kind `json` with its text, or
    `json_file`, `rds` and `pb` with the name of a file in `.inputs`. `script` is the path of a
    script or document to run instead of a function; its arguments are text. `library` is an R
    library folder that is searched first: where an app, or a user, has the package. `checks` are R
    expressions about the `value`: it is an error where one does not give TRUE. `hidden` are keys of
    sessions that are to the call as if they were not there.
    """

    package: str | None
    function: str
    arguments: tuple[Argument, ...] = ()
    body: Argument | None = None
    seed: int | None = None
    session_key: str | None = None
    script: str | None = None
    library: str | None = None
    checks: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Returns the request that the R side reads."""
        wire: dict[str, Any] = {
            "operation": "evaluate" if self.script is None else "script",
            "name": self.function,
            "arguments": [argument.to_wire() for argument in self.arguments],
        }
        if self.package is not None:
            wire["package"] = self.package
        if self.session_key is not None:
            wire["session_key"] = self.session_key
        if self.body is not None:
            wire["body"] = self.body.to_wire()
        if self.script is not None:
            wire["script"] = self.script
        if self.library is not None:
            wire["library"] = self.library
        if self.seed is not None:
            wire["seed"] = self.seed
        if self.checks:
            wire["checks"] = list(self.checks)
        if self.hidden:
            wire["hidden"] = list(self.hidden)
        return wire
