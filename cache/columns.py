"""Kinds of column in a row table: which one some values need, and what becomes of two."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the values of a column are, besides ``None``."""

    EMPTY = "empty"  # nothing but None so far
    BOOLEAN = "boolean"
    INTEGER = "integer"
    REAL = "real"
    TEXT = "text"
    BLOB = "blob"
    MIXED = "mixed"

    @property
    def declared(self) -> str:
        """The SQLite type; none at all where SQLite should convert nothing."""
        return _DECLARED.get(self, "")

    def joined(self, other: "Kind") -> "Kind":
        """The kind that holds values of both exactly."""
        if self is other or other is Kind.EMPTY:
            return self
        if self is Kind.EMPTY:
            return other
        both = {self, other}
        if both == {Kind.BOOLEAN, Kind.INTEGER}:
            return Kind.INTEGER
        return Kind.REAL if both == {Kind.INTEGER, Kind.REAL} else Kind.MIXED


_DECLARED = {
    Kind.BOOLEAN: "INTEGER",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.TEXT: "TEXT",
    Kind.BLOB: "BLOB",
}
_OF_TYPE = {
    type(None): Kind.EMPTY,
    bool: Kind.BOOLEAN,
    int: Kind.INTEGER,
    float: Kind.REAL,
    str: Kind.TEXT,
    bytes: Kind.BLOB,
}


@dataclass(frozen=True)
class Column:
    """A column: the name that R gave it, the one that SQLite has for it, and its kind.

    They differ where SQLite would take two names of R for one (it ignores case), or for its own.
    """

    name: str
    stored: str
    kind: Kind

    @property
    def quoted(self) -> str:
        """The stored name as SQL writes it."""
        return quoted(self.stored)


def quoted(name: str) -> str:
    """Any text as a name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def kind_of(values: Iterable[object]) -> Kind:
    """The kind that holds all these values exactly.

    Raises:
        TypeError: a value is of a type that no column holds.
    """
    found = Kind.EMPTY
    for type_ in set(map(type, values)):
        if type_ not in _OF_TYPE:
            raise TypeError(f"a {type_.__name__} is no value of a row")
        found = found.joined(_OF_TYPE[type_])
    return found


def stored_name(name: str, taken: Iterable[str]) -> str:
    """The name itself where SQLite can have it beside those that are taken, else one like it."""
    folded = {one.casefold() for one in taken}
    plain = name.replace("\0", "") or "column"
    candidate, number = plain, 1
    while candidate.casefold() in folded:
        number += 1
        candidate = f"{plain}_{number}"
    return candidate
