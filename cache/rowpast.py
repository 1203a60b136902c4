"""Past rows: what rows of a table were before they said something else, or were removed.

They lie in a table beside the rows, which readers of rows never meet. Only a row whose values
changed is kept; one that came out the same again only knows since which batch it holds. Columns
have no type here, so that any value is kept as it was, whatever becomes of the column.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from cache.border import disk_border
from cache.clock import from_text, to_text
from cache.columns import quoted, stored_name
from cache.history import HOUR
from cache.rowfile import RowFile, columns_of

_RESERVED: Final = ("id", "key", "since", "batch", "gone", "rowid", "oid", "_rowid_")
_ROW_BYTES: Final = 40  # measured: a past row and its place in the index, without its values
_VALUE_BYTES: Final = 9  # a number, or a short text


@contextmanager
def keeping_past(connection: sqlite3.Connection) -> Iterator[None]:
    """Has this connection keep each row that an update changes, within the open transaction."""
    names = _past_columns(connection)
    targets = "".join(f", {past}" for past, _ in names)
    values = "".join(f", OLD.{row}" for _, row in names)
    # A key that comes twice in one write was never seen with its first values.
    connection.execute(
        "CREATE TEMP TRIGGER superseded AFTER UPDATE ON main.rows"  # noqa: S608  (names quoted)
        " WHEN NEW.since IS NULL AND OLD.batch <> NEW.batch BEGIN"
        f" INSERT INTO past (key, since, batch, gone{targets}) VALUES"
        f" (OLD.key, coalesce(OLD.since, OLD.batch), OLD.batch, NEW.batch{values}); END"
    )
    try:
        yield
    finally:
        connection.execute("DROP TRIGGER superseded")


def keep_removed(connection: sqlite3.Connection, gone: str, batch: int) -> None:
    """Keeps the rows for which a condition holds, and which are about to be removed."""
    names = _past_columns(connection)
    targets = "".join(f", {past}" for past, _ in names)
    values = "".join(f", {row}" for _, row in names)
    connection.execute(
        f"INSERT INTO past (key, since, batch, gone{targets})"  # noqa: S608  (names quoted)
        f" SELECT key, coalesce(since, batch), batch, {batch}{values} FROM rows WHERE {gone}"
    )


def key_past_by_text(connection: sqlite3.Connection) -> None:
    """Makes the keys texts, as those of the rows have become."""
    connection.execute("UPDATE past SET key = CAST(key AS TEXT)")


def past_columns(connection: sqlite3.Connection) -> dict[str, str]:
    """The stored names of the past rows' columns, by those that R gave."""
    return dict(connection.execute("SELECT name, stored FROM past_columns ORDER BY rowid"))


def horizon_of(connection: sqlite3.Connection) -> datetime | None:
    """The moment before which past rows had to go; ``None`` if none had."""
    (text,) = connection.execute("SELECT max(moment) FROM horizon").fetchone()
    return None if text is None else from_text(text)


def note_lost(connection: sqlite3.Connection, moment: datetime) -> None:
    """Notes that what rows said before the moment may not be there."""
    connection.execute("INSERT INTO horizon VALUES (?)", (to_text(moment),))


class RowHistories:
    """The past rows of all tables in one folder, for the sweep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def expire(self, now: datetime) -> int:
        """Removes past rows that were to be kept no longer; how many."""
        which = "batch IN (SELECT id FROM batches WHERE keep_until <= ?)"
        return sum(_remove(file, which, to_text(now)) for file in self._files())

    def drop(self, hour: str) -> int:
        """Removes past rows that were replaced in this hour or before; how many."""
        which = f"gone IN (SELECT id FROM batches WHERE substr(computed_at, 1, {HOUR}) <= ?)"  # noqa: S608  (a number)
        return sum(_remove(file, which, hour) for file in self._files())

    def sizes(self) -> dict[str, int]:
        """The room that past rows take, about, by the hour in which they were replaced."""
        sizes: dict[str, int] = {}
        for file in self._files():
            with disk_border(file.path):
                connection = file.connect()
                try:
                    row_bytes = _ROW_BYTES + _VALUE_BYTES * len(past_columns(connection))
                    counted = connection.execute(
                        f"SELECT substr(computed_at, 1, {HOUR}), count(*) FROM past"  # noqa: S608  (a number)
                        " JOIN batches ON batches.id = past.gone GROUP BY 1"
                    )
                    for hour, count in counted:
                        sizes[hour] = sizes.get(hour, 0) + count * row_bytes
                finally:
                    connection.close()
        return sizes

    def _files(self) -> Iterator[RowFile]:
        for path in sorted(self._folder.glob("*.db")):
            yield RowFile(path)


def _remove(file: RowFile, which: str, value: str) -> int:
    with file.writing() as connection:
        (last,) = connection.execute(
            "SELECT max(computed_at) FROM batches"  # noqa: S608  (ours)
            f" WHERE id IN (SELECT gone FROM past WHERE {which})",
            (value,),
        ).fetchone()
        if last is None:
            return 0
        connection.execute("INSERT INTO horizon VALUES (?)", (last,))
        return connection.execute(f"DELETE FROM past WHERE {which}", (value,)).rowcount  # noqa: S608  (ours)


def _past_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The quoted names of all columns, among the past rows and among the rows; made if new."""
    known = past_columns(connection)
    pairs: list[tuple[str, str]] = []
    for column in columns_of(connection).values():
        if column.name not in known:
            stored = stored_name(column.name, [*_RESERVED, *known.values()])
            known[column.name] = stored
            connection.execute(f"ALTER TABLE past ADD COLUMN {quoted(stored)}")
            connection.execute("INSERT INTO past_columns VALUES (?, ?)", (column.name, stored))
        pairs.append((quoted(known[column.name]), column.quoted))
    return pairs
