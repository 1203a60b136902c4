"""What an argument of a call can be, before R sees it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Missing(Enum):
    """R's plain ``NA``, which is also what an empty form field means."""

    NA = "NA"


MISSING: Final = Missing.NA


@dataclass(frozen=True)
class Code:
    """R source, kept as it was written; two of them are the same when their tokens are."""

    text: str


@dataclass(frozen=True)
class Upload:
    """An uploaded file: its base name, and the digest of what is in it."""

    name: str
    digest: str


@dataclass(frozen=True)
class SessionObject:
    """An object of a stored session; ``.val`` is the value that its call returned."""

    session_key: str
    name: str = ".val"


@dataclass(frozen=True)
class Secret:
    """A text that stands in a variable of the environment; the name is all that is ever told."""

    variable: str


Value = (
    None
    | bool
    | int
    | float
    | str
    | list[Any]
    | dict[str, Any]
    | Code
    | Upload
    | SessionObject
    | Missing
    | Secret
)
"""JSON kinds stand for themselves; the rest is what JSON has no word for."""
