"""Reading one row, with as little asked of SQLite as can be."""

import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cache.border import disk_border
from cache.columns import Column, Kind
from cache.freshness import State, Version, state_at
from cache.rowfile import Batch, RowFile, batches_of, columns_of, keys_are_numbers


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """One row: its values by column as R named them, and what made them when."""

    key: int | str
    values: dict[str, Any]
    version: str
    computed_at: datetime
    fresh_until: datetime
    stale_until: datetime
    digest: int

    def state(self, now: datetime, current: Version | None = None) -> State:
        """Fresh, stale or a miss at ``now``, under the job's ``current`` version."""
        return state_at(
            now,
            fresh_until=self.fresh_until,
            stale_until=self.stale_until,
            version=self.version,
            current=current,
        )


@dataclass(frozen=True)
class _Layout:
    """What the file was like when we looked: enough to read any row of a batch that it knows."""

    select: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    batches: dict[int, Batch] = field(default_factory=dict)


class _OutdatedError(Exception):
    """Another process wrote since we looked, or there was nothing to see then."""


class RowReader:
    """One connection, kept open, for one row at a time; threads take turns."""

    def __init__(self, file: RowFile) -> None:
        self._file = file
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._layout = _Layout()

    def find(self, key: int | str) -> RowAnswer | None:
        """The row of this key, or ``None``."""
        with self._turn, disk_border(self._file.path):
            if self._connection is None:
                self._connection = self._file.connect()
                # For single rows alone: who reads the whole file would have all of it in memory.
                self._connection.execute("PRAGMA mmap_size = 1073741824")
            try:
                row = self._row(self._connection, key)
            except (_OutdatedError, sqlite3.OperationalError):  # a column we know may be gone
                row = self._row_anew(self._connection, key)
            layout = self._layout
        return None if row is None else _answer(row, layout)

    def close(self) -> None:
        """Closes the connection; the next ``find`` opens it again."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _row(self, connection: sqlite3.Connection, key: int | str) -> tuple[Any, ...] | None:
        if not self._layout.select:
            raise _OutdatedError
        row: tuple[Any, ...] | None = connection.execute(self._layout.select, (key,)).fetchone()
        if row is not None and row[2] not in self._layout.batches:
            raise _OutdatedError
        return row

    def _row_anew(self, connection: sqlite3.Connection, key: int | str) -> tuple[Any, ...] | None:
        # One transaction, so that layout and row belong together.
        connection.execute("BEGIN")
        try:
            if keys_are_numbers(connection) is None:
                return None
            columns = columns_of(connection)
            names = "".join(f", {column.quoted}" for column in columns.values())
            select = f"SELECT key, digest, batch{names} FROM rows WHERE key = ?"  # noqa: S608  (quoted)
            self._layout = _Layout(select, columns, batches_of(connection))
            return self._row(connection, key)
        finally:
            connection.execute("COMMIT")


def _answer(row: tuple[Any, ...], layout: _Layout) -> RowAnswer:
    key, digest, batch_id, *cells = row
    batch = layout.batches[batch_id]
    every = dict(zip(layout.columns, cells, strict=True))
    values = {name: every[name] for name in batch.columns}
    for name, value in values.items():
        if value is not None and layout.columns[name].kind is Kind.BOOLEAN:
            values[name] = bool(value)
    return RowAnswer(
        key=key,
        values=values,
        version=batch.version,
        computed_at=batch.computed_at,
        fresh_until=batch.fresh_until,
        stale_until=batch.stale_until,
        digest=digest,
    )
