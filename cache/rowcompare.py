"""What a row table has of the rows of a source: found out on disk, never in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from sqlite3 import Connection

from cache.border import disk_border
from cache.clock import to_text
from cache.rowfile import RowFile, keys_are_numbers
from cache.rowkeys import RowKeys


class Standing(StrEnum):
    """What a table has for a row of the source, where that is not a current answer."""

    CHANGED = "changed"
    """A fresh answer, made of other content than the source has now."""
    AGED = "aged"
    """One of this version that is served, but is not fresh any more."""
    OTHER_VERSION = "other_version"
    """One of another version that is served."""
    NONE = "none"
    """None that may be served."""


_STANDING = {one.value: one for one in Standing}  # a look-up is quicker than the enum's call


def compare(
    file: RowFile, keys: RowKeys, start: int, stop: int, *, version: str, now: datetime
) -> dict[int, Standing]:
    """The rows of the source from place ``start`` up to ``stop`` that have no current answer.

    Those that are not among them are fresh, of this version and made of what the source has.
    """
    with beside(file, keys) as connection:
        match = _match(connection, keys)
        if match is None:
            return dict.fromkeys(range(start, min(stop, len(keys))), Standing.NONE)
        found = connection.execute(
            f"SELECT place, CASE"  # noqa: S608  (our own words)
            " WHEN b.version = :version AND :now < b.fresh_until"
            " THEN CASE WHEN r.digest = seen.digest THEN NULL ELSE 'changed' END"
            " WHEN :now < b.stale_until"
            " THEN CASE WHEN b.version = :version THEN 'aged' ELSE 'other_version' END"
            " ELSE 'none' END AS standing"
            f" FROM seen LEFT JOIN stored.rows AS r ON r.key = {match}"
            " LEFT JOIN stored.batches AS b ON b.id = r.batch"
            " WHERE place >= :start AND place < :stop AND standing IS NOT NULL ORDER BY place",
            {"version": version, "now": to_text(now), "start": start, "stop": stop},
        )
        return {place: _STANDING[standing] for place, standing in found}


def gone_condition(connection: Connection, keys: RowKeys) -> str:
    """The condition of SQL that is true of stored rows which the source does not have."""
    match = _match(connection, keys)
    return "1" if match is None else f"key NOT IN (SELECT {match} FROM seen)"  # noqa: S608


def _match(connection: Connection, keys: RowKeys) -> str | None:
    """A key of the source as the table would have it; None where it can have none of them."""
    by_number = keys_are_numbers(connection)
    if by_number is None or (by_number and not keys.numbers):
        return None
    return "seen.key" if by_number is keys.numbers else "CAST(seen.key AS TEXT)"


@contextmanager
def beside(file: RowFile, keys: RowKeys, *, writes: bool = False) -> Iterator[Connection]:
    """One transaction that sees a row table, as `stored`, and the keys of a source."""
    with keys.lent() as connection, disk_border(file.path):
        connection.execute("ATTACH DATABASE ? AS stored", (str(file.path),))
        try:
            connection.execute("PRAGMA stored.synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            connection.execute("DETACH DATABASE stored")
