"""The results: entries by cache key, on disk, for all processes at once.

An entry is two rows of one table: ``e:<key>`` with everything in it, and ``m:<key>`` with all but
the bodies, tagged by its job. The second makes listing cheap: the tag index leads straight to a
job's summaries, and no body is read. They share a table because both are written by one
transaction: a second database would save a few page reads, but a crash between the two could leave
an answer that no listing shows and no sweep counts.

Freshness is the entry's own affair: nothing here expires, and the size limit is only kept for the
sweep to enforce, so a read never writes. What an entry was before stays readable: `cache.history`.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import diskcache

from cache.border import disk_border, translated
from cache.clock import Clock, utcnow
from cache.disk import SETTINGS, Rows
from cache.entry import Entry, EntrySummary
from cache.errors import (
    CacheError,
    EntryFormatTooNew,
    EntryTooLarge,
    EntryUnreadable,
    PickleRefused,
    StoreFull,
    StoreUnavailable,
)
from cache.fence import Fence, no_fence
from cache.history import History, since_of

_log = logging.getLogger(__name__)
_FOREIGN: Final = (sqlite3.Error, OSError, diskcache.Timeout)
_LOCKED_FOR_S: Final = 30  # a writer waits this long for the others; a batch takes 0.1 s
_BATCH: Final = 100  # entries in one transaction: other writers wait meanwhile
_ROW_OVERHEAD_BYTES: Final = 1024  # measured: summary, keys, indexes
_ROW_LIMIT_BYTES: Final = 10**9 - 2**16  # SQLite's, less what else is in the row


class Store:
    """Entries by cache key, in one folder.

    Several processes and threads may use one folder at once; readers and the writer do not block
    each other. Each process opens its own: do not carry a store across a fork.
    """

    def __init__(
        self, folder: Path, *, size_limit_bytes: int = 10 * 2**30, clock: Clock = utcnow
    ) -> None:
        """Opens the store, and makes it if it is not there.

        Args:
            folder: Where it lies.
            size_limit_bytes: For the sweep to keep.
            clock: Says when an entry takes the place of another.

        Raises:
            StoreFull: there is no room to make it.
            StoreUnavailable: the folder cannot be written, or what is in it is damaged.
        """
        self.folder = folder
        self.size_limit_bytes = size_limit_bytes
        with disk_border(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._rows = Rows(str(folder), timeout=_LOCKED_FOR_S, **SETTINGS)
        self._clock = clock
        self.history = History(folder, self._rows)

    def get(self, cache_key: str) -> Entry | None:
        """The entry under this key, however old, or ``None``. Writes nothing.

        Raises:
            EntryUnreadable: the row is damaged or a pickle; a ``put`` replaces it.
            EntryFormatTooNew: a later Larder wrote it.
            StoreUnavailable: the database cannot be read.
        """
        try:
            data: bytes | None = self._rows.get(f"e:{cache_key}")
        except PickleRefused as error:
            raise EntryUnreadable(cache_key, f"its row holds {error.what}") from error
        except _FOREIGN as error:
            raise translated(self.folder, error) from error
        return None if data is None else Entry.from_bytes(data, cache_key)

    def put(self, entry: Entry) -> None:
        """Keeps the entry, whole or not at all; what it replaces stays readable as of its time.

        Raises:
            ArgumentUnsupported: the entry's arguments are not plain JSON.
            EntryTooLarge: it is too large for one row.
            StoreFull: there is no room; what was stored under the key is still there.
            StoreUnavailable: the database cannot be written, or is locked for too long.
        """
        self.put_many((entry,))

    def put_many(self, entries: Iterable[Entry], *, fence: Fence = no_fence) -> None:
        """Keeps all these entries, a hundred in each transaction, where the fence lets them pass.

        Raises:
            CacheError: as ``put`` does. The transactions before the failed one remain, and nothing
                of the failed one.
        """
        remaining = iter(entries)
        while batch := list(islice(remaining, _BATCH)):
            earlier: list[Entry] = []
            try:
                self._put_batch(batch, earlier, fence)
            except StoreFull:
                if not earlier:
                    raise
                self._put_batch(batch, None, fence)  # an earlier one must not cost a new one
                _log.warning("earlier answers not kept count=%d reason=no room", len(earlier))

    def delete(self, cache_key: str) -> bool:
        """Removes the entry; whether there was one."""
        with self._transaction():
            return self._remove(cache_key)

    def revise(self, cache_key: str, change: Callable[[Entry], Entry | None]) -> bool:
        """Puts what ``change`` makes of the entry in its place, with no other writer in between.

        Whether it did: not where there is no entry, or ``change`` gives ``None``.
        """
        with self._transaction():
            return self._revise(cache_key, change)

    def revise_many(
        self, cache_keys: Iterable[str], change: Callable[[Entry], Entry | None]
    ) -> set[str]:
        """As ``revise``, a hundred in each transaction; which were put. Unreadable ones stay."""
        remaining = iter(cache_keys)
        revised: set[str] = set()
        while batch := list(islice(remaining, _BATCH)):
            with self._transaction():
                for cache_key in batch:
                    try:
                        if self._revise(cache_key, change):
                            revised.add(cache_key)
                    except (EntryUnreadable, EntryFormatTooNew) as error:
                        _log.warning("entry left as it is key=%s reason=%s", cache_key, error)
        return revised

    def as_of(self, cache_key: str, moment: datetime) -> Entry | None:
        """The entry that was under this key then, or ``None``; raises as ``get`` does.

        Where its value was computed again since and was the same, it has the first ``computed_at``.
        """
        current = self.get(cache_key)  # first: if it is replaced meanwhile, it is found as earlier
        entry = self.history.find(cache_key, moment) or current
        if entry is None or (since := since_of(entry)) > moment:
            return None
        return entry if entry.computed_at <= moment else replace(entry, computed_at=since)

    def earliest(self, cache_key: str) -> datetime | None:
        """The moment from which on there is an answer under this key."""
        current = self.get(cache_key)  # first, as above
        entry = self.history.oldest(cache_key) or current
        return None if entry is None else since_of(entry)

    def discard(self, summaries: Iterable[EntrySummary]) -> list[EntrySummary]:
        """Removes the entries that still are as these summaries say, not put anew; which ones."""
        remaining = iter(summaries)
        gone: list[EntrySummary] = []
        while batch := list(islice(remaining, _BATCH)):
            with self._transaction():
                stored = self.summaries_of(summary.cache_key for summary in batch)
                same = [one for one in batch if stored.get(one.cache_key) == one]
                for one in same:
                    self._remove(one.cache_key)
            gone += same
        return gone

    def summary(self, job: str) -> Iterator[EntrySummary]:
        """A job's entries without their bodies; one that cannot be read is logged and left out."""
        return self._summaries(self._rows.tagged(job))

    def summaries(self) -> Iterator[EntrySummary]:
        """As ``summary``, for all jobs."""
        return self._summaries(self._rows.tagged(None))

    def summaries_of(self, cache_keys: Iterable[str]) -> dict[str, EntrySummary]:
        """The summaries of those of these entries that exist, by key."""
        found = self._rows.among(f"m:{cache_key}" for cache_key in cache_keys)
        return {summary.cache_key: summary for summary in self._summaries(found)}

    def cache_keys(self) -> Iterator[str]:
        """The keys of all entries, in order, readable or not."""
        with self._reading():
            yield from (key[2:] for key in self._rows.keys_from("e:"))

    def check(self) -> int:
        """Puts right the summaries that do not match an entry, and counts them.

        A missing or unreadable one is made anew from its entry; one without an entry goes.
        """
        with self._reading():
            summaries = {key[2:] for key in self._rows.keys_from("m:")}
        entries = set(self.cache_keys())
        readable = {summary.cache_key for summary in self.summaries()}
        for cache_key in summaries - entries:
            self.delete(cache_key)
        repaired = len(summaries - entries)
        for cache_key in entries - readable:
            try:
                entry = self.get(cache_key)
            except (EntryUnreadable, EntryFormatTooNew) as error:
                _log.warning("entry left as it is key=%s reason=%s", cache_key, error)
                continue
            if entry is not None:
                self.put(entry)
                repaired += 1
        return repaired

    def volume_bytes(self) -> int:
        """The room that the store takes on disk."""
        with self._reading():
            return int(self._rows.volume())

    def close(self) -> None:
        """Closes this thread's connection; the next use opens it again."""
        self._rows.close()

    def _revise(self, cache_key: str, change: Callable[[Entry], Entry | None]) -> bool:
        entry = self.get(cache_key)
        revised = None if entry is None else change(entry)
        if revised is not None:
            self.put(revised)
        return revised is not None

    def _put_batch(self, batch: Sequence[Entry], earlier: list[Entry] | None, fence: Fence) -> None:
        """Puts these in one transaction; those that it keeps as earlier ones go on the list."""
        with self._transaction():
            fence()
            known = self._rows.which(f"e:{entry.cache_key}" for entry in batch)
            rows: list[tuple[str, bytes, str | None]] = []
            for entry in batch:
                put = entry
                if f"e:{entry.cache_key}" in known:
                    put = self._successor(entry, earlier)
                data, summary = put.to_rows(_ROW_OVERHEAD_BYTES)
                if len(data) > _ROW_LIMIT_BYTES:
                    raise EntryTooLarge(put.cache_key, len(data), _ROW_LIMIT_BYTES)
                rows.append((f"e:{put.cache_key}", data, None))
                rows.append((f"m:{put.cache_key}", summary, put.job))
            self._rows.set_many(rows)

    def _remove(self, cache_key: str) -> bool:
        self._rows.delete(f"m:{cache_key}")
        return bool(self._rows.delete(f"e:{cache_key}"))

    def _successor(self, entry: Entry, earlier: list[Entry] | None) -> Entry:
        """The entry as it is to be put where there is one; that may become an earlier one."""
        old: Entry | None = None
        with suppress(EntryUnreadable, EntryFormatTooNew):  # could not be shown again
            old = self.get(entry.cache_key)
        if old is None or old.computed_at == entry.computed_at:
            return entry
        if (put := History.continued(old, entry)) is entry:
            if earlier is not None:
                earlier.append(old)
            self.history.keep(old, self._clock(), has_room=earlier is not None)
        return put

    def _summaries(self, rows: Iterator[tuple[str, object]]) -> Iterator[EntrySummary]:
        with self._reading():
            for key, value in rows:
                try:
                    if not isinstance(value, bytes):
                        raise EntryUnreadable(key[2:], "its summary is no bytes")
                    yield EntrySummary.from_bytes(value, key[2:])
                except CacheError as error:
                    _log.warning("summary left out key=%s reason=%s", key[2:], error)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except _FOREIGN as error:
            raise translated(self.folder, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._rows.transact():
                yield
        except diskcache.Timeout:
            raise StoreUnavailable(self.folder, f"locked for {_LOCKED_FOR_S} s") from None
        except (sqlite3.Error, OSError) as error:
            # A commit that failed can leave its transaction open: closing the connection ends it.
            self._rows.close()
            raise translated(self.folder, error) from error
