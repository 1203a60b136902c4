"""The rows of a rows job: one typed SQLite table for each job, never one entry for each row.

A million rows of three columns take 34 MB keyed by numbers, 44 MB by texts; one is read in 10 µs.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cache.clock import to_text
from cache.errors import RowsRefused, StoreFull
from cache.fence import Fence, no_fence
from cache.freshness import Freshness
from cache.rowcompare import Standing, beside, compare, gone_condition
from cache.rowfile import RowFile, add_batch, batches_of, columns_of, keys_are_numbers
from cache.rowkeys import RowKeys
from cache.rowpage import AT, page_query
from cache.rowpast import note_lost
from cache.rowread import RowAnswer, RowReader
from cache.rowthen import PastRows, RowChange, batch_at, columns_at, rows_at
from cache.rowwrite import remove_rows, replace_rows

__all__ = ["RowAnswer", "RowChange", "RowKeys", "RowTable", "Standing"]


class RowTable:
    """The rows of one job, by key.

    Keys are whole numbers or texts; a table of whole numbers finds ``"7"`` as well as ``7``.
    Several processes and threads may use one file at once: readers see the last whole write and
    never wait for a writer. Each process opens its own: do not carry a table across a fork.
    """

    def __init__(self, path: Path, *, key: str) -> None:
        """Opens the file, and makes it if it is not there.

        Args:
            path: of the SQLite file.
            key: the name of the key's column.

        Raises:
            StoreFull: there is no room to make it.
            StoreUnavailable: it cannot be opened, or is damaged.
        """
        self.path = path
        self.key = key
        self._file = RowFile(path)
        self._reader = RowReader(self._file)
        self.past = PastRows(self._file)

    def write(
        self,
        keys: Sequence[Any],
        digests: Sequence[int],
        columns: Mapping[str, Sequence[Any]],
        *,
        version: str,
        computed_at: datetime,
        freshness: Freshness,
        fence: Fence = no_fence,
    ) -> None:
        """Puts these rows in place of those with the same keys, all in one transaction.

        Columns are made as they come, typed by their values, and widened when a later write brings
        other types; ``None`` and NaN are missing. A column named as the key is left out: it is the
        key.

        Args:
            keys: one for each row; for one that comes twice, the last row counts.
            digests: one for each row, of its source; 64-bit whole numbers with sign.
            columns: by name, each as long as ``keys``.
            version: of the job, when it computed these.
            computed_at: when it did.
            freshness: the job's spans.
            fence: may prevent the write.

        Raises:
            RowsRefused: lengths differ, or a value is of a type that no column holds.
            StoreFull: there is no room; the rows are as they were.
            StoreUnavailable: the file cannot be written, or is locked for too long.
        """
        given = {name: list(values) for name, values in columns.items() if name != self.key}
        for name, values in {"the digests": digests, **given}.items():
            if len(values) != len(keys):
                raise RowsRefused(
                    self.path, f"{name} has {len(values)} values for {len(keys)} keys"
                )
        if AT in given:
            raise RowsRefused(self.path, f"a column may not be called {AT!r}: every row has one")

        def put(*, keeps_past: bool) -> None:
            with self._file.writing() as connection:
                fence()
                batch = add_batch(connection, version, computed_at, freshness, list(given))
                replace_rows(connection, keys, digests, given, batch, keeps_past=keeps_past)
                if not keeps_past:
                    note_lost(connection, computed_at)

        try:
            try:
                put(keeps_past=True)
            except StoreFull:  # what rows said before must not cost what they say now
                put(keeps_past=False)
        except (TypeError, ValueError, OverflowError) as error:
            raise RowsRefused(self.path, str(error)) from error

    def get(self, key: int | str) -> RowAnswer | None:
        """The row of this key, however old, or ``None``. Blocks for some 10 µs; writes nothing.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        return self._reader.find(key)

    def compare(
        self, keys: RowKeys, start: int, stop: int, *, version: str, now: datetime
    ) -> dict[int, Standing]:
        """Those of the source's rows from one place up to another that have no current answer.

        Args:
            keys: of the source.
            start: place of the first row.
            stop: place behind the last.
            version: that a current answer has.
            now: the moment at which it is fresh.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        return compare(self._file, keys, start, stop, version=version, now=now)

    def remove_except(self, keys: RowKeys, *, now: datetime, fence: Fence = no_fence) -> int:
        """Removes the rows that the source no longer has, and columns that only they had.

        As earlier answers they can still be read. ``fence`` is asked as in ``write``.

        Returns:
            How many rows that were.

        Raises:
            StoreFull: there is no room; the rows are as they were.
            StoreUnavailable: the file cannot be written, or is locked for too long.
        """
        with beside(self._file, keys, writes=True) as connection:
            fence()
            batch = add_batch(connection, "", now, Freshness(0, 0, 0), [])
            return remove_rows(connection, gone_condition(connection, keys), batch)

    def page(
        self,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        offset: int = 0,
        as_of: datetime | None = None,
    ) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Names and rows of a part of the table: the key first, ``computed_at`` (text) last.

        The rows come as they are read, from one moment's state of the table, in any thread: that
        of ``as_of``, or the present one.

        Args:
            columns: which ones, in this order; all by default.
            where: what a column must equal, or a list of which it must be one; ``None`` is missing.
            order_by: a column, the key or ``computed_at``; the key by default.
            descending: the other way round.
            limit: at most so many rows.
            offset: after leaving out so many.
            as_of: the moment whose rows are read.

        Raises:
            ColumnUnknown: at once, not while reading.
            StoreUnavailable: the file cannot be read.
        """
        with self._file.reading() as connection:
            empty = keys_are_numbers(connection) is None
            known, source = columns_of(connection), "rows"
            if as_of is not None and not empty:
                batch = batch_at(connection, as_of)
                known = columns_at(connection, batch)
                source = rows_at(connection, batch, known)
        query = page_query(
            self.path,
            self.key,
            known,
            columns=columns,
            where=where or {},
            order_by=order_by,
            descending=descending,
            limit=limit,
            offset=offset,
            source=source,
        )
        return query.names, iter(()) if empty else self._stream(
            query.sql, query.values, query.booleans
        )

    def count(self) -> int:
        """How many rows there are."""
        with self._file.reading() as connection:
            if keys_are_numbers(connection) is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM rows").fetchone()[0])

    def fresh_until(self) -> datetime | None:
        """When the first of the rows is fresh no more; ``None`` without rows."""
        with self._file.reading() as connection:
            if keys_are_numbers(connection) is None:
                return None
            used = connection.execute("SELECT DISTINCT batch FROM rows").fetchall()
            batches = batches_of(connection)
            return min((batches[id_].fresh_until for (id_,) in used), default=None)

    def counts(self, now: datetime, version: str) -> dict[str, int]:
        """How many rows are ``fresh``, ``stale`` and ``expired`` when this version is the job's."""
        totals = {"fresh": 0, "stale": 0, "expired": 0}
        with self._file.reading() as connection:
            if keys_are_numbers(connection) is None:
                return totals
            batches = batches_of(connection)
            counted = connection.execute("SELECT batch, count(*) FROM rows GROUP BY batch")
            for id_, number in counted:
                batch = batches[id_]
                if batch.version == version and now < batch.fresh_until:
                    totals["fresh"] += number
                else:
                    totals["stale" if now < batch.stale_until else "expired"] += number
        return totals

    def close(self) -> None:
        """Closes the connection that ``get`` uses; the next ``get`` opens it again."""
        self._reader.close()

    def _stream(
        self, sql: str, values: Sequence[Any], booleans: Sequence[int]
    ) -> Iterator[tuple[Any, ...]]:
        with self._file.reading() as connection:
            moments = {id_: to_text(one.computed_at) for id_, one in batches_of(connection).items()}
            rows = connection.execute(sql, values)
            while some := rows.fetchmany(1000):
                for *cells, batch in some:
                    for at in booleans:
                        cells[at] = None if cells[at] is None else bool(cells[at])
                    yield *cells, moments[batch]
