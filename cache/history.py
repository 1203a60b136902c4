"""Earlier answers: what entries were before they were computed anew.

They lie in a table of their own in the store's file, so that the transaction which puts an entry
also keeps the one before it: there is no moment without one of them. Whoever reads an entry never
meets this table. An answer that came out the same again is not kept twice: its entry says since
when it holds, in ``extra``, where its version is the same as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import diskcache

from cache.border import disk_border, translated
from cache.clock import from_text, to_text
from cache.disk import Rows
from cache.entry import Entry, EntryFacts

SINCE: Final = "since"
"""In an entry's `extra`: when its value was first computed, if that was before `computed_at`."""

HOUR: Final = len("2026-11-23T05")
"""So much of a moment's text tells the hour: the budget is kept by hours."""

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS History (
        id INTEGER PRIMARY KEY, cache_key TEXT NOT NULL, job TEXT NOT NULL, ended TEXT NOT NULL,
        keep_until TEXT NOT NULL, size INTEGER NOT NULL, entry BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS History_by_key ON History (cache_key, ended)",
    "CREATE INDEX IF NOT EXISTS History_by_job ON History (job, ended)",
    "CREATE TABLE IF NOT EXISTS Horizons (job TEXT PRIMARY KEY, moment TEXT NOT NULL)",
)


def since_of(facts: EntryFacts) -> datetime:
    """When the entry's value was first computed; since then it is the answer."""
    text = facts.extra.get(SINCE)
    return facts.computed_at if text is None else from_text(text)


class History:
    """The earlier answers of one store.

    Every method raises ``StoreUnavailable`` where the store cannot be read or written, and those
    that write ``StoreFull`` where there is no room.

    Args:
        folder: The store's.
        rows: Its file, opened.
    """

    def __init__(self, folder: Path, rows: Rows) -> None:
        self._folder = folder
        self._rows = rows
        with self._border():
            for statement in _SCHEMA:
                self._sql(statement)

    @staticmethod
    def continued(old: Entry, new: Entry) -> Entry:
        """``new``, with the moment since which it holds where it says the same as ``old``."""
        is_served_on = old.version == new.version and new.computed_at <= old.stale_until
        if not (is_served_on and _is_same(old, new)):
            return new
        return replace(new, extra={**new.extra, SINCE: to_text(since_of(old))})

    def keep(self, old: Entry, now: datetime, *, has_room: bool = True) -> None:
        """Keeps an entry in whose place another one is put, in the store's transaction.

        Without room it only notes that the entry is missing.
        """
        if not has_room:
            self._sql(
                "INSERT INTO Horizons VALUES (?, ?)"
                " ON CONFLICT (job) DO UPDATE SET moment = max(moment, excluded.moment)",
                (old.job, to_text(now)),
            )
            return
        # Its session goes as any other that no entry names, so the entry names it no more; forms
        # for faster sending are not worth their room here.
        bodies = {name: replace(body, encodings={}) for name, body in old.bodies.items()}
        data = replace(old, bodies=bodies, session_key=None, listing=()).to_bytes()
        self._sql(
            "INSERT INTO History (cache_key, job, ended, keep_until, size, entry)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (old.cache_key, old.job, to_text(now), to_text(old.keep_until), len(data), data),
        )

    def find(self, cache_key: str, moment: datetime) -> Entry | None:
        """The first earlier answer that was replaced after the moment."""
        return self._first(cache_key, to_text(moment))

    def oldest(self, cache_key: str) -> Entry | None:
        """The oldest earlier answer."""
        return self._first(cache_key, "")

    def keys(self, job: str, after: datetime) -> Iterator[str]:
        """The keys of the job's answers that were replaced after the moment, in order."""
        last = ""
        while True:
            with self._border():
                found = self._sql(
                    "SELECT DISTINCT cache_key FROM History WHERE job = ? AND ended > ?"
                    " AND cache_key > ? ORDER BY cache_key LIMIT 500",
                    (job, to_text(after), last),
                ).fetchall()
            yield from (key for (key,) in found)
            if not found:
                return
            last = found[-1][0]

    def horizon(self, job: str) -> datetime | None:
        """The moment before which answers of the job are missing, if any had to go."""
        with self._border():
            found = self._sql("SELECT moment FROM Horizons WHERE job = ?", (job,)).fetchone()
        return None if found is None else from_text(found[0])

    def expire(self, now: datetime) -> int:
        """Removes what was to be kept no longer; how many answers."""
        return self._remove("keep_until <= ?", to_text(now))

    def drop(self, hour: str) -> int:
        """Removes what was replaced in this hour or before; how many answers."""
        return self._remove(f"substr(ended, 1, {HOUR}) <= ?", hour)

    def sizes(self) -> dict[str, int]:
        """The room that earlier answers take, by the hour in which they were replaced."""
        with self._border():
            return dict(
                self._sql(f"SELECT substr(ended, 1, {HOUR}), sum(size) FROM History GROUP BY 1")  # noqa: S608  (a number)
            )

    def _first(self, cache_key: str, ended: str) -> Entry | None:
        with self._border():
            found = self._sql(
                "SELECT entry FROM History WHERE cache_key = ? AND ended > ?"
                " ORDER BY ended, id LIMIT 1",
                (cache_key, ended),
            ).fetchone()
        return None if found is None else Entry.from_bytes(found[0], cache_key)

    def _remove(self, which: str, value: str) -> int:
        with self._border(), self._rows.transact():
            self._sql(
                f"INSERT INTO Horizons SELECT job, max(ended) FROM History WHERE {which}"  # noqa: S608  (ours)
                " GROUP BY job"
                " ON CONFLICT (job) DO UPDATE SET moment = max(moment, excluded.moment)",
                (value,),
            )
            return int(self._sql(f"DELETE FROM History WHERE {which}", (value,)).rowcount)  # noqa: S608  (ours)

    def _sql(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        return self._rows._sql(statement, values)  # noqa: SLF001  (diskcache's own way to its table)

    @contextmanager
    def _border(self) -> Iterator[None]:
        try:
            with disk_border(self._folder):
                yield
        except diskcache.Timeout as error:
            raise translated(self._folder, error) from error


def _is_same(old: Entry, new: Entry) -> bool:
    """Whether both came to the same, byte by byte."""
    return old.bodies.keys() == new.bodies.keys() and all(
        body.content == new.bodies[name].content for name, body in old.bodies.items()
    )
