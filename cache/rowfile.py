"""The SQLite file of a row table: its tables, its connections, and the catalogue of its columns."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from cache.border import disk_border
from cache.clock import from_text, to_text
from cache.columns import Column, Kind
from cache.freshness import Freshness

_LOCKED_FOR_S: Final = 30  # a writer waits this long for the others
_LOG_BYTES: Final = 2**20  # a log larger than this is cut after its write
# Moments and version stand once for each write, not once for each row. Numbers of batches are never
# used twice (AUTOINCREMENT), so a reader may remember what it read of one.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS columns (
    name TEXT PRIMARY KEY, stored TEXT NOT NULL, kind TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, computed_at TEXT NOT NULL,
    fresh_until TEXT NOT NULL, stale_until TEXT NOT NULL, columns TEXT NOT NULL
);
"""
# What rows were before; see `cache.rowpast`. `since` is the batch in which a row's value was first
# computed, where that was before its own batch.
_WITH_PAST: Final = """
ALTER TABLE batches ADD COLUMN keep_until TEXT NOT NULL DEFAULT '';
CREATE TABLE past_columns (name TEXT PRIMARY KEY, stored TEXT NOT NULL);
CREATE TABLE past (
    id INTEGER PRIMARY KEY, key, since INTEGER NOT NULL, batch INTEGER NOT NULL,
    gone INTEGER NOT NULL
);
CREATE INDEX past_by_key ON past (key, gone);
CREATE TABLE horizon (moment TEXT NOT NULL);
PRAGMA user_version = 1;
"""


@dataclass(frozen=True)
class Batch:
    """What the rows of one write have in common; ``columns`` are the names that R gave."""

    id: int
    version: str
    computed_at: datetime
    fresh_until: datetime
    stale_until: datetime
    columns: tuple[str, ...]


class RowFile:
    """One SQLite file in WAL mode: readers see the last whole write, and never wait for one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_border(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = self.connect()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                if connection.execute("PRAGMA user_version").fetchone() == (0,):
                    _bring_up_to_date(connection)
            finally:
                connection.close()

    def connect(self) -> sqlite3.Connection:
        """A new connection, without transactions of its own making, for any thread."""
        connection = sqlite3.connect(
            self.path, timeout=_LOCKED_FOR_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment's state of the file."""
        with disk_border(self.path), closing(self.connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of the block is kept, or nothing of it."""
        with disk_border(self.path):
            connection = self.connect()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
                self._shorten_log(connection)
            finally:
                connection.close()  # rolls back what was not committed

    def _shorten_log(self, connection: sqlite3.Connection) -> None:
        """Gives back the room of a large write's log, unless someone reads just now."""
        log = self.path.with_name(self.path.name + "-wal")
        with suppress(OSError, sqlite3.OperationalError):  # all is committed by now
            if log.stat().st_size > _LOG_BYTES:
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Does all of it or nothing: the file may be found by who comes after a kill."""
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been quicker.
    if connection.execute("PRAGMA user_version").fetchone() == (0,):
        has_rows = keys_are_numbers(connection) is not None
        added = "ALTER TABLE rows ADD COLUMN since INTEGER;" if has_rows else ""
        for statement in (_SCHEMA + _WITH_PAST + added).split(";"):
            connection.execute(statement)
    connection.execute("COMMIT")


def columns_of(connection: sqlite3.Connection) -> dict[str, Column]:
    """The columns of the rows, by name, in the order they came."""
    rows = connection.execute("SELECT name, stored, kind FROM columns ORDER BY rowid")
    return {name: Column(name, stored, Kind(kind)) for name, stored, kind in rows}


def batches_of(connection: sqlite3.Connection, *, after: int = 0) -> dict[int, Batch]:
    """The batches that came after one, by number."""
    rows = connection.execute(
        "SELECT id, version, computed_at, fresh_until, stale_until, columns FROM batches"
        " WHERE id > ?",
        (after,),
    )
    return {
        id_: Batch(
            id_,
            version,
            from_text(at),
            from_text(fresh),
            from_text(stale),
            tuple(orjson.loads(names)),
        )
        for id_, version, at, fresh, stale, names in rows
    }


def add_batch(
    connection: sqlite3.Connection,
    version: str,
    computed_at: datetime,
    freshness: Freshness,
    names: list[str],
) -> int:
    """Keeps what the rows of one write have in common; gives its number."""
    moments = (computed_at, *freshness.until(computed_at))
    added = connection.execute(
        "INSERT INTO batches (version, computed_at, fresh_until, stale_until, keep_until, columns)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (version, *map(to_text, moments), orjson.dumps(names).decode()),
    )
    return int(added.lastrowid or 0)


def keys_are_numbers(connection: sqlite3.Connection) -> bool | None:
    """Whether rows are keyed by whole numbers, or by text (``False``); ``None`` without rows."""
    declared = connection.execute("SELECT type FROM pragma_table_info('rows') WHERE name = 'key'")
    found = declared.fetchone()
    return None if found is None else found[0] == "INTEGER"
