"""A row table as it was at a moment: one row, all rows, and what differs between two moments.

A moment stands as the number of the last batch until then: numbers of batches rise with time. A row
or past row was the answer from its `since` until the batch in which it was `gone`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cache.clock import to_text
from cache.columns import Column, Kind, quoted
from cache.rowfile import RowFile, batches_of, columns_of, keys_are_numbers
from cache.rowpast import horizon_of, past_columns
from cache.rowread import RowAnswer

_BEGAN: Final = "coalesce(since, batch)"


@dataclass(frozen=True)
class RowChange:
    """A row that two moments have otherwise: its values then, ``None`` where it was not there."""

    key: int | str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class PastRows:
    """What the rows of one table were; its methods raise ``StoreUnavailable`` as the table's do."""

    def __init__(self, file: RowFile) -> None:
        self._file = file

    def as_of(self, key: int | str, moment: datetime) -> RowAnswer | None:
        """The row of this key as it was then, or ``None``.

        Where its values were computed again since, and came out the same, its ``computed_at`` and
        ``version`` are those of the first time.
        """
        with self._file.reading() as connection:
            if keys_are_numbers(connection) is None:
                return None
            return row_at(connection, key, batch_at(connection, moment))

    def earliest(self, key: int | str) -> datetime | None:
        """The moment from which on there is a row of this key."""
        with self._file.reading() as connection:
            return None if keys_are_numbers(connection) is None else earliest_of(connection, key)

    def horizon(self) -> datetime | None:
        """The moment before which past rows may be missing; ``None`` if none had to go."""
        with self._file.reading() as connection:
            return horizon_of(connection)

    @contextmanager
    def differences(
        self, before: datetime, after: datetime
    ) -> Iterator[tuple[int, Iterator[RowChange]]]:
        """How many rows were the same all the time, and the others, in the order of their keys.

        They come as they are read, from one moment's state of the table, within the block.
        """
        with self._file.reading() as connection:
            if keys_are_numbers(connection) is None:
                yield 0, iter(())
                return
            span = batch_at(connection, before), batch_at(connection, after)
            yield unchanged(connection, *span), changes(connection, *span)


def batch_at(connection: sqlite3.Connection, moment: datetime) -> int:
    """The number of the last batch until the moment; 0 if there is none."""
    (number,) = connection.execute(
        "SELECT max(id) FROM batches WHERE computed_at <= ?", (to_text(moment),)
    ).fetchone()
    return number or 0


def columns_at(connection: sqlite3.Connection, batch: int) -> dict[str, Column]:
    """The columns that the table has had until the batch, for a query of `rows_at`."""
    now = columns_of(connection)
    past = past_columns(connection)
    named = connection.execute(
        "SELECT value FROM batches, json_each(batches.columns) WHERE batches.id <= ?"
        " GROUP BY value ORDER BY min(batches.id), min(json_each.id)",
        (batch,),
    )
    names = [name for (name,) in named if name in now or name in past]
    return {
        name: Column(name, f"c{place}", now[name].kind if name in now else Kind.MIXED)
        for place, name in enumerate(names)
    }


def rows_at(connection: sqlite3.Connection, batch: int, columns: dict[str, Column]) -> str:
    """What stands for the table `rows` in a query: the rows as they were after the batch.

    A row's batch is the last one until then that is known of it.
    """
    held, past = _selected(connection, columns)
    number = int(batch)
    shown = f"key, CASE WHEN batch <= {number} THEN batch ELSE since END AS batch"
    return (
        f"(SELECT {shown}{held} FROM rows WHERE {_BEGAN} <= {number}"  # noqa: S608  (names quoted)
        f" UNION ALL SELECT {shown}{past} FROM past WHERE since <= {number} AND gone > {number})"
    )


def row_at(connection: sqlite3.Connection, key: int | str, batch: int) -> RowAnswer | None:
    """The row of this key as it was after the batch; its moments as `Store.as_of` has them."""
    columns = columns_at(connection, batch)
    held, past = _selected(connection, columns)
    number = int(batch)
    shown = f"SELECT key, {_BEGAN}, batch"
    found = connection.execute(
        f"{shown}{past} FROM past WHERE key = :key AND since <= {number} AND gone > {number}"
        f" UNION ALL {shown}{held} FROM rows WHERE key = :key AND {_BEGAN} <= {number}",
        {"key": _fitting(connection, key)},
    ).fetchone()
    if found is None:
        return None
    found_key, since, last, *cells = found
    batches = batches_of(connection)
    made = batches[last if last <= batch else since]
    return RowAnswer(
        key=found_key,
        values=_values(columns, cells, set(made.columns)),
        version=made.version,
        computed_at=made.computed_at,
        fresh_until=batches[last].fresh_until,
        stale_until=batches[last].stale_until,
        digest=0,
    )


def earliest_of(connection: sqlite3.Connection, key: int | str) -> datetime | None:
    """The moment from which on there is a row of this key."""
    began = connection.execute(
        "SELECT min(coalesce(since, batch)) FROM (SELECT key, since, batch FROM past"
        " UNION ALL SELECT key, since, batch FROM rows) WHERE key = ?",
        (_fitting(connection, key),),
    ).fetchone()[0]
    return None if began is None else batches_of(connection)[began].computed_at


def unchanged(connection: sqlite3.Connection, before: int, after: int) -> int:
    """How many rows were the same from the one batch to the other."""
    (count,) = connection.execute(
        f"SELECT (SELECT count(*) FROM rows WHERE {_BEGAN} <= :before)"  # noqa: S608  (ours)
        " + (SELECT count(*) FROM past WHERE since <= :before AND gone > :after)",
        {"before": before, "after": after},
    ).fetchone()
    return int(count)


def changes(connection: sqlite3.Connection, before: int, after: int) -> Iterator[RowChange]:
    """The rows that were computed anew or removed between two batches, in the order of the keys.

    They come as they are read; values may be the same, if they changed there and back.
    """
    columns = columns_at(connection, after)
    held, past = _selected(connection, columns)
    left = "since <= :before AND gone > :before AND gone <= :after"
    came = "since > :before AND since <= :after AND gone > :after"
    held_came = f"{_BEGAN} > :before AND {_BEGAN} <= :after"
    span = {"before": before, "after": after}
    old = connection.execute(
        f"SELECT key, batch{past} FROM past WHERE {left} ORDER BY key",  # noqa: S608  (names quoted)
        span,
    )
    new = connection.execute(
        f"SELECT key, batch{held} FROM rows WHERE {held_came}"  # noqa: S608  (names quoted)
        f" UNION ALL SELECT key, batch{past} FROM past WHERE {came} ORDER BY key",
        span,
    )
    names = {id_: set(batch.columns) for id_, batch in batches_of(connection).items()}

    def valued(row: tuple[Any, ...] | None) -> dict[str, Any] | None:
        return None if row is None else _values(columns, row[2:], names[row[1]])

    one, other = next(old, None), next(new, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            yield RowChange(one[0] if one else "", valued(one), None)
            one = next(old, None)
        elif one is None or other[0] < one[0]:
            yield RowChange(other[0], None, valued(other))
            other = next(new, None)
        else:
            yield RowChange(one[0], valued(one), valued(other))
            one, other = next(old, None), next(new, None)


def _selected(connection: sqlite3.Connection, columns: dict[str, Column]) -> tuple[str, str]:
    """The columns in the select list of the rows, and in that of the past rows."""
    now = {name: column.quoted for name, column in columns_of(connection).items()}
    past = {name: quoted(stored) for name, stored in past_columns(connection).items()}
    return tuple(  # type: ignore[return-value]  # two
        "".join(
            f", {known.get(name, 'NULL')} AS {column.quoted}" for name, column in columns.items()
        )
        for known in (now, past)
    )


def _values(columns: dict[str, Column], cells: Any, names: set[str]) -> dict[str, Any]:
    values = {}
    for (name, column), value in zip(columns.items(), cells, strict=True):
        if name in names:
            boolean = column.kind is Kind.BOOLEAN and value is not None
            values[name] = bool(value) if boolean else value
    return values


def _fitting(connection: sqlite3.Connection, key: int | str) -> int | str:
    """The key as the table has it: past rows convert nothing."""
    if not keys_are_numbers(connection):
        return str(key)
    try:
        return int(key)
    except ValueError:
        return key
