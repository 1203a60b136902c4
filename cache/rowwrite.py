"""Writing rows: making the table and its columns fit what comes, then replacing row by row."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cache.columns import Column, kind_of, stored_name
from cache.rowfile import columns_of, keys_are_numbers
from cache.rowpast import keep_removed, keeping_past, key_past_by_text

_OWN: Final = ("key", "digest", "batch", "since")
_RESERVED: Final = (*_OWN, "rowid", "oid", "_rowid_")
_BY_NUMBER: Final = (
    "CREATE TABLE rows (key INTEGER PRIMARY KEY, digest INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " since INTEGER)"
)
_BY_TEXT: Final = (
    "CREATE TABLE rows (key TEXT PRIMARY KEY, digest INTEGER NOT NULL, batch INTEGER NOT NULL,"
    " since INTEGER) WITHOUT ROWID"
)


def replace_rows(
    connection: sqlite3.Connection,
    keys: Sequence[Any],
    digests: Sequence[int],
    columns: Mapping[str, Sequence[Any]],
    batch: int,
    *,
    keeps_past: bool = True,
) -> None:
    """Puts these rows in place of those with the same keys, within the open transaction.

    A row that says something else than before is kept among the past ones; of one that says the
    same it is only noted since when.

    Raises:
        TypeError: a value is of a type that no column holds.
        OverflowError: a whole number is larger than 64 bits.
    """
    keys = _fitting_keys(connection, keys)
    stored = [_fitting_column(connection, name, values) for name, values in columns.items()]
    names = ", ".join(["key", "digest", "batch", *(column.quoted for column in stored)])
    marks = ", ".join("?" * (3 + len(stored)))
    put = f"INTO rows ({names}) VALUES ({marks})"
    values = zip(keys, digests, [batch] * len(keys), *columns.values(), strict=True)
    if not keeps_past or not keys or not _are_among(connection, min(keys), max(keys)):
        # As most writes of a first run: a fifth faster. Of a key that comes twice, the last counts.
        connection.executemany(f"INSERT OR REPLACE {put}", values)
        return
    # A column that this write does not have is empty in its rows: `excluded` has NULL there.
    every = [column.quoted for column in columns_of(connection).values()]
    same = " AND ".join(["1", *(f"rows.{name} IS excluded.{name}" for name in every)])
    changed = "".join(f", {name} = excluded.{name}" for name in every)
    with keeping_past(connection):
        connection.executemany(
            f"INSERT {put} ON CONFLICT (key) DO UPDATE SET"
            f" since = CASE WHEN {same} THEN coalesce(rows.since, rows.batch) END,"
            f" digest = excluded.digest, batch = excluded.batch{changed}",
            values,
        )


def _are_among(connection: sqlite3.Connection, first: Any, last: Any) -> bool:
    """Whether there is a row between these keys."""
    query = "SELECT 1 FROM rows WHERE key BETWEEN ? AND ? LIMIT 1"
    return connection.execute(query, (first, last)).fetchone() is not None


def remove_rows(connection: sqlite3.Connection, gone: str, batch: int) -> int:
    """Removes the rows for which a condition holds, and what only they used; how many.

    They are kept among the past ones, as replaced by nothing in this batch.
    """
    if keys_are_numbers(connection) is None:
        return 0
    keep_removed(connection, gone, batch)
    removed = connection.execute(f"DELETE FROM rows WHERE {gone}").rowcount  # noqa: S608  (ours)
    connection.execute(
        "DELETE FROM batches WHERE id NOT IN (SELECT batch FROM rows"
        " UNION SELECT since FROM rows WHERE since IS NOT NULL UNION SELECT batch FROM past"
        " UNION SELECT since FROM past UNION SELECT gone FROM past)"
    )
    used = connection.execute(
        "SELECT DISTINCT value FROM batches, json_each(batches.columns)"
        " WHERE batches.id IN (SELECT DISTINCT batch FROM rows)"
    )
    names = {name for (name,) in used}
    for column in columns_of(connection).values():
        if column.name not in names:
            connection.execute("DELETE FROM columns WHERE name = ?", (column.name,))
            connection.execute(f"ALTER TABLE rows DROP COLUMN {column.quoted}")
    return removed


def _fitting_keys(connection: sqlite3.Connection, keys: Sequence[Any]) -> Sequence[Any]:
    """The keys as the table has them: whole numbers as long as all keys ever were, else text."""
    by_number = keys_are_numbers(connection)
    numbers = set(map(type, keys)) <= {int}
    if by_number is None:
        connection.execute(_BY_NUMBER if numbers else _BY_TEXT)
    elif by_number and not numbers:
        _key_by_text(connection)
    return keys if numbers and by_number is not False else list(map(str, keys))


def _key_by_text(connection: sqlite3.Connection) -> None:
    columns = columns_of(connection).values()
    connection.execute("ALTER TABLE rows RENAME TO numbered")
    connection.execute(_BY_TEXT)
    for column in columns:
        _add(connection, column)
    names = "".join(f", {column.quoted}" for column in columns)
    connection.execute(
        f"INSERT INTO rows (key, digest, batch, since{names})"  # noqa: S608  (names quoted)
        f" SELECT CAST(key AS TEXT), digest, batch, since{names} FROM numbered"
    )
    connection.execute("DROP TABLE numbered")
    key_past_by_text(connection)


def _fitting_column(connection: sqlite3.Connection, name: str, values: Sequence[Any]) -> Column:
    """The column of this name, made, or changed so that it holds these values exactly."""
    known = columns_of(connection)
    found = known.get(name)
    kind = kind_of(values)
    if found is not None:
        kind = found.kind.joined(kind)
        if kind is found.kind:
            return found
    if found is not None and kind.declared == found.kind.declared:
        column = Column(name, found.stored, kind)
    else:
        taken = [*_RESERVED, *(column.stored for column in known.values())]
        column = Column(name, stored_name(name, taken), kind)
        _add(connection, column)
        if found is not None:
            # SQLite cannot change a type: the values move to a column beside the old one.
            connection.execute(f"UPDATE rows SET {column.quoted} = {found.quoted}")  # noqa: S608
            connection.execute(f"ALTER TABLE rows DROP COLUMN {found.quoted}")
    connection.execute(
        "INSERT INTO columns (name, stored, kind) VALUES (?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET stored = excluded.stored, kind = excluded.kind",
        (name, column.stored, kind.value),
    )
    return column


def _add(connection: sqlite3.Connection, column: Column) -> None:
    connection.execute(f"ALTER TABLE rows ADD COLUMN {column.quoted} {column.kind.declared}")
