"""Tables: all answers of a job, one under the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from cache.entry import Entry, Version
from cache.errors import ColumnUnknown
from cache.pile import Pile, SortKey
from cache.store import Store
from jobs.call import Cell
from jobs.earlier_entries import entry_then, keys_since
from jobs.errors import ArgumentInvalid
from jobs.job import Job
from jobs.r_values import plain_values
from jobs.table_records import Columns, Record, is_same, records_of

MOST_INTEGER: Final = 2**63
"""What SQLite holds exactly; JSON knows larger ones."""


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


def answers_then(job: Job, store: Store, moment: datetime) -> Iterator[Answered]:
    """What the job's runs had prepared then: the grid's cells in its order, then others.

    Those past their time at that moment are among them. One that cannot be read is left out.
    """
    left = keys_since(store, job.name, moment)
    for cell in job.cells():
        key = job.cache_key(cell.arguments)
        if key in left:
            left.remove(key)
            entry = entry_then(store, key, moment)
            if entry is not None and entry.pinned:
                yield cell, entry
    for key in sorted(left):
        entry = entry_then(store, key, moment)
        if entry is not None and entry.pinned:
            yield Cell(entry.arguments), entry


def grid_table(
    job: Job,
    answers: Iterable[Answered],
    *,
    now: datetime,
    version: Version | None,
    wanted: Selection,
    folder: Path,
) -> Table:
    """The answers of all cells: arguments first, then the values' columns, computed_at and state.

    An answer that is a table of n rows gives n rows, a vector one for each element, an object one,
    anything else one with the column `value`. A cell without an answer gives one row of state
    `missing`. A column of the value that is named as an argument and says the same is left out;
    one that says something else, or is called `computed_at` or `state`, is named `value.<name>`.

    Only when all answers were seen it is known which columns there are. So they are read once and
    laid aside on disk, in `folder`, and the rows come from there: memory does not grow with them.

    Raises:
        ColumnUnknown: The selection names a column that is not there.
        StoreFull, StoreUnavailable: The store cannot be read, or nothing be laid aside.
    """
    columns = Columns([spec.name for spec in job.arguments])
    where = dict(wanted.where or {})
    of_arguments = {spec.name: where.pop(spec.name) for spec in job.arguments if spec.name in where}
    pile = Pile(folder)

    def lines() -> Iterator[bytes]:
        for cell, entry in answers:
            if _agrees(job, cell, of_arguments):
                for record in records_of(job, cell, entry, now, version):
                    columns.note(record)
                    yield record.to_bytes()

    pile.add(lines())
    chosen = columns.names if wanted.columns is None else tuple(wanted.columns)
    for name in (*chosen, *where, *([wanted.order_by] if wanted.order_by else [])):
        if name not in columns.names:
            raise ColumnUnknown(Path(job.name), name, columns.names)
    return Table(chosen, _picked(pile, columns, where, chosen, wanted))


def _picked(
    pile: Pile,
    columns: Columns,
    where: Mapping[str, Any],
    chosen: Sequence[str],
    wanted: Selection,
) -> Iterator[tuple[Any, ...]]:
    """The chosen rows and columns: put in order now, read from the pile as they are asked for."""
    arguments, values = columns.arguments, columns.values
    place = {name: at for at, name in enumerate(columns.names)}

    def rows(lines: Iterable[bytes]) -> Iterator[tuple[Any, ...]]:
        return (Record.from_bytes(line).row(arguments, values) for line in lines)

    lines = pile.lines(descending=wanted.descending)
    if wanted.order_by:
        at = place[wanted.order_by]
        pile.sort(_order(row[at]) for row in rows(pile.lines()))
        lines = pile.sorted_lines(descending=wanted.descending)
    found = (
        row
        for row in rows(lines)
        if all(_equals(row[place[name]], value) for name, value in where.items())
    )
    end = None if wanted.limit is None else wanted.offset + wanted.limit
    places = [place[name] for name in chosen]
    return (tuple(row[at] for at in places) for row in islice(found, wanted.offset, end))


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
    return any(
        is_same(value, one) or (one is not None and _as_text(value) == one) for one in several
    )


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode().removesuffix(".0")


def _order(value: Any) -> SortKey:
    """Sorts numbers before texts before everything else, and what is missing last."""
    if value is None:
        return (3, 0)
    if isinstance(value, int | float):
        return (0, value if abs(value) < MOST_INTEGER else float(value))
    return (1, value) if isinstance(value, str) else (2, orjson.dumps(value))
