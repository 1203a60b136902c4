"""Records: the rows of a table in the making, and the columns that they turn out to have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from cache.clock import to_text
from cache.entry import Entry, State, Version
from jobs.call import Cell
from jobs.job import Job
from jobs.outputs import EXACT
from jobs.r_values import plain_values

COMPUTED_AT: Final = "computed_at"
STATE: Final = "state"
MISSING: Final = "missing"
VALUE: Final = "value"
"""The column of an answer that has no columns of its own."""


@dataclass(frozen=True)
class Record:
    """One row in the making: values by the names that R gave them."""

    arguments: Mapping[str, Any]
    values: Mapping[str, Any]
    computed_at: str | None
    state: str

    def to_bytes(self) -> bytes:
        """One line, for `from_bytes`."""
        return orjson.dumps((self.arguments, self.values, self.computed_at, self.state))

    @classmethod
    def from_bytes(cls, line: bytes) -> "Record":
        """What `to_bytes` wrote."""
        return cls(*orjson.loads(line))

    def row(self, arguments: Sequence[str], values: Mapping[str, str]) -> tuple[Any, ...]:
        """The row, under the columns of these arguments and values."""
        given = [self.arguments.get(name) for name in arguments]
        answered = [self.values.get(name) for name in values]
        return (*given, *answered, self.computed_at, self.state)


def records_of(
    job: Job, cell: Cell, entry: Entry | None, now: datetime, version: Version | None
) -> Iterator[Record]:
    """The rows of one cell; one of state `missing` where it has no answer."""
    arguments = plain_values(job.complete(cell.arguments))
    state = State.MISS if entry is None else entry.state(now, version)
    if entry is None or state is State.MISS:
        yield Record(arguments, {}, None, MISSING)
        return
    for values in _answers(entry):
        yield Record(arguments, values, to_text(entry.computed_at), state.value)


def _answers(entry: Entry) -> list[dict[str, Any]]:
    """The rows of one answer; of one that has no form in JSON, a row without values."""
    body = entry.bodies.get(EXACT)
    if body is None:
        return [{}]
    value = orjson.loads(body.content)
    several = value if isinstance(value, list) else [value]
    return [one if isinstance(one, dict) else {VALUE: one} for one in several]


class Columns:
    """The columns that records have together, found out while they go by.

    Args:
        arguments: Their columns come first.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = tuple(arguments)
        self._found: dict[str, None] = {}
        self._repeating = set(arguments)

    def note(self, record: Record) -> None:
        """Lets one more go by."""
        for name, value in record.values.items():
            self._found.setdefault(name)
            if name in self._repeating and not is_same(value, record.arguments.get(name)):
                self._repeating.discard(name)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as they are called in the table."""
        return (*self.arguments, *self.values.values(), COMPUTED_AT, STATE)

    @property
    def values(self) -> dict[str, str]:
        """The names of the values' columns in the table by their own, in the order they came."""
        taken = {*self.arguments, COMPUTED_AT, STATE}
        return {
            name: f"value.{name}" if name in taken else name
            for name in self._found
            if name not in self._repeating
        }


def is_same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: TRUE is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
