"""Tables: all answers of a job, one under the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from cache.clock import to_text
from cache.entry import Entry, State, Version
from cache.errors import ColumnUnknown
from cache.store import Store
from jobs.call import Cell
from jobs.errors import ArgumentInvalid
from jobs.job import Job
from jobs.outputs import EXACT
from jobs.r_values import plain_values

COMPUTED_AT: Final = "computed_at"
STATE: Final = "state"
MISSING: Final = "missing"
VALUE: Final = "value"
"""The column of an answer that has no columns of its own."""


@dataclass(frozen=True)
class Table:
    """Names of columns, and the rows under them: plain JSON values, None for missing."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@dataclass(frozen=True)
class Selection:
    """Which part of a table is wanted.

    Attributes:
        columns: Which ones, in this order; all if None.
        where: What a column must equal, as a value or as text, or a list of which it must be one.
        order_by: A column; cells come in the order of the grid if None, rows in that of their keys.
        descending: The other way round.
        limit: At most so many rows.
        offset: After leaving out so many.
        as_of: The moment whose answers are wanted; now if None.
    """

    columns: Sequence[str] | None = None
    where: Mapping[str, Any] | None = None
    order_by: str | None = None
    descending: bool = False
    limit: int | None = None
    offset: int = 0
    as_of: datetime | None = None


Answered = tuple[Cell, Entry | None]


def answers_now(job: Job, store: Store) -> Iterator[Answered]:
    """The cells of the grid, each with its answer if there is one."""
    for cell in job.cells():
        yield cell, store.get(job.cache_key(cell.arguments))


def answers_then(job: Job, earlier: Iterable[Entry]) -> Iterator[Answered]:
    """Answers of the past: those of the grid's cells in its order, then those of others."""
    kept = {entry.cache_key: entry for entry in earlier}
    for cell in job.cells():
        entry = kept.pop(job.cache_key(cell.arguments), None)
        if entry is not None:
            yield cell, entry
    for entry in kept.values():
        yield Cell(entry.arguments), entry


def grid_table(
    job: Job,
    answers: Iterable[Answered],
    *,
    now: datetime,
    version: Version | None,
    wanted: Selection,
) -> Table:
    """The answers of all cells: arguments first, then the values' columns, computed_at and state.

    An answer that is a table of n rows gives n rows, a vector one for each element, an object one,
    anything else one with the column `value`. A cell without an answer gives one row of state
    `missing`. A column of the value that is named as an argument and says the same is left out;
    one that says something else, or is called `computed_at` or `state`, is named `value.<name>`.
    The whole selection is built in memory.

    Raises:
        ColumnUnknown: The selection names a column that is not there.
        StoreUnavailable: The store cannot be read.
    """
    arguments = tuple(spec.name for spec in job.arguments)
    where = dict(wanted.where or {})
    of_arguments = {name: where.pop(name) for name in arguments if name in where}
    records = [
        record
        for cell, entry in answers
        if _agrees(job, cell, of_arguments)
        for record in _records(job, cell, entry, now, version)
    ]
    values = _value_columns(records, arguments)
    names = (*arguments, *values.values(), COMPUTED_AT, STATE)
    rows = [record.row(arguments, values) for record in records]
    chosen = names if wanted.columns is None else tuple(wanted.columns)
    place = {name: at for at, name in enumerate(names)}
    for name in (*chosen, *where, *([wanted.order_by] if wanted.order_by else [])):
        if name not in place:
            raise ColumnUnknown(Path(job.name), name, names)
    for name, values_wanted in where.items():
        rows = [row for row in rows if _equals(row[place[name]], values_wanted)]
    if wanted.order_by:
        at = place[wanted.order_by]
        rows.sort(key=lambda row: _order(row[at]), reverse=wanted.descending)
    elif wanted.descending:
        rows.reverse()
    end = None if wanted.limit is None else wanted.offset + wanted.limit
    places = [place[name] for name in chosen]
    picked = (tuple(row[at] for at in places) for row in islice(rows, wanted.offset, end))
    return Table(chosen, picked)


@dataclass(frozen=True)
class _Record:
    """One row in the making."""

    arguments: Mapping[str, Any]
    values: Mapping[str, Any]
    computed_at: str | None
    state: str

    def row(self, arguments: Sequence[str], values: Mapping[str, str]) -> tuple[Any, ...]:
        given = [self.arguments.get(name) for name in arguments]
        answered = [self.values.get(name) for name in values]
        return (*given, *answered, self.computed_at, self.state)


def _records(
    job: Job, cell: Cell, entry: Entry | None, now: datetime, version: Version | None
) -> Iterator[_Record]:
    arguments = plain_values(job.complete(cell.arguments))
    state = State.MISS if entry is None else entry.state(now, version)
    if entry is None or state is State.MISS:
        yield _Record(arguments, {}, None, MISSING)
        return
    for values in _answers(entry):
        yield _Record(arguments, values, to_text(entry.computed_at), state.value)


def _answers(entry: Entry) -> list[dict[str, Any]]:
    """The rows of one answer; of one that has no form in JSON, a row without values."""
    body = entry.bodies.get(EXACT)
    if body is None:
        return [{}]
    value = orjson.loads(body.content)
    several = value if isinstance(value, list) else [value]
    return [one if isinstance(one, dict) else {VALUE: one} for one in several]


def _value_columns(records: Sequence[_Record], arguments: Sequence[str]) -> dict[str, str]:
    """The names of the values' columns in the table by their own, in the order they come."""
    found: dict[str, str] = {}
    repeating = set(arguments)
    for record in records:
        for name, value in record.values.items():
            found.setdefault(name, name)
            if name in repeating and not _same(value, record.arguments.get(name)):
                repeating.discard(name)
    taken = {*arguments, COMPUTED_AT, STATE}
    return {
        name: f"value.{name}" if name in taken else name for name in found if name not in repeating
    }


def _agrees(job: Job, cell: Cell, where: Mapping[str, Any]) -> bool:
    plain = plain_values({name: cell.arguments.get(name) for name in where})
    return all(_equals(plain[name], _typed(job, name, one)) for name, one in where.items())


def _typed(job: Job, name: str, wanted: Any) -> Any:
    """What a text means as a value of this argument; what is no such value stays text."""
    if isinstance(wanted, list | tuple):
        return [_typed(job, name, one) for one in wanted]
    spec = job.argument(name)
    try:
        return spec.parse(wanted) if spec and isinstance(wanted, str) else wanted
    except ArgumentInvalid:
        return wanted


def _equals(value: Any, wanted: Any) -> bool:
    several = wanted if isinstance(wanted, list | tuple) else [wanted]
    return any(_same(value, one) or (one is not None and _as_text(value) == one) for one in several)


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: TRUE is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode().removesuffix(".0")


def _order(value: Any) -> tuple[int, Any]:
    """Sorts numbers before texts before everything else, and what is missing last."""
    if value is None:
        return (3, 0)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (2, orjson.dumps(value))
