"""Keeping house: what is over its time or over the budget goes, what a crash left is put right."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from cache.entry import Entry, EntrySummary
from cache.errors import SessionNotFound
from cache.rowpast import RowHistories
from cache.sessions import SessionFolder
from cache.store import Store

_log = logging.getLogger(__name__)

LEFTOVER_AFTER_S: Final = 24 * 3600  # cells that one child computes are staged together


@dataclass(frozen=True)
class SweepReport:
    """What one sweep removed; ``over_budget_bytes`` is what pinned entries take too much.

    ``earlier`` counts answers that others had replaced, of cells and of rows; ``leftovers`` are
    stages of processes that were killed.
    """

    expired: int
    evicted: int
    sessions: int
    freed_bytes: int
    over_budget_bytes: int
    earlier: int = 0
    leftovers: int = 0


@dataclass(frozen=True)
class CheckReport:
    """What one check put right."""

    summaries: int
    orphans: int
    unlinked: int


class _Earlier(Protocol):
    """Earlier answers, as the sweep sees them; see `cache.history`."""

    def expire(self, now: datetime) -> int:
        """Removes those that are past their time; how many."""

    def sizes(self) -> dict[str, int]:
        """The room that they take, by the hour in which they were replaced."""

    def drop(self, hour: str) -> int:
        """Removes those replaced in this hour or before; how many."""


class Sweep:
    """Removes what may go from one store and one session folder.

    By time: entries past ``keep_until``, earlier ones too, sessions that are older than
    ``keep_sessions_s`` and that no entry names, and stages that nobody touched for a day. By space:
    while all together are larger than the store's limit, first earlier answers, of cells in the
    store and of rows in the folder ``rows``, then entries that were computed on demand, oldest
    first; pinned ones never.
    """

    def __init__(
        self,
        store: Store,
        sessions: SessionFolder,
        keep_sessions_s: float,
        *,
        rows: Path | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._keep_sessions_s = keep_sessions_s
        self._histories: list[_Earlier] = [store.history]
        if rows is not None:
            self._histories.append(RowHistories(rows))

    def run(self, now: datetime) -> SweepReport:
        """One sweep. An entry that is put anew meanwhile stays; nothing is locked for long.

        Raises:
            StoreFull: there is no room even to remove entries; old sessions are gone by then.
            StoreUnavailable: the store or the session folder cannot be read or written.
        """
        # Published before the entries are read: one that is published from here on is not in the
        # list, and an entry is only ever put after its session. Deleted before the entries are:
        # files go without needing room, rows of a full disk may not.
        published = set(self._sessions.keys())
        entries = list(self._store.summaries())
        held = {one.session_key for one in entries}
        deleted, session_bytes = self._delete_sessions(published - held, now)

        expired = self._store.discard(one for one in entries if one.keep_until <= now)
        kept = _without(entries, expired)
        earlier = sum(history.expire(now) for history in self._histories)
        earlier += self._drop_earlier(self._store.size_limit_bytes - _size_bytes(kept))
        evicted = self._store.discard(_over_budget(kept, self._store.size_limit_bytes))
        kept = _without(kept, evicted)

        still_held = {one.session_key for one in self._store.summaries()}
        freed = self._delete_sessions((published & held) - still_held, now)
        report = SweepReport(
            expired=len(expired),
            evicted=len(evicted),
            sessions=deleted + freed[0],
            freed_bytes=_size_bytes([*expired, *evicted]) + session_bytes + freed[1],
            over_budget_bytes=max(0, _size_bytes(kept) - self._store.size_limit_bytes),
            earlier=earlier,
            leftovers=self._sessions.clear_staging(LEFTOVER_AFTER_S),
        )
        _log.info("sweep finished %s", report)
        if report.over_budget_bytes:
            _log.warning(
                "store over its limit by_bytes=%s: pinned entries are not evicted",
                report.over_budget_bytes,
            )
        return report

    def check(self) -> CheckReport:
        """Puts right what a crash, or a hand, left behind. Reads no bodies, and may run at start.

        - Summaries that match no entry, or are missing, are removed or made anew.
        - Sessions without a manifest go: they cannot be opened.
        - Entries that name a session which is gone keep their bodies and name it no more.
        """
        published = list(self._sessions.keys())
        orphans = [session_key for session_key in published if not self._whole(session_key)]
        for session_key in orphans:
            _log.warning("session removed session=%s reason=no manifest", session_key)
            self._sessions.delete(session_key)
        report = CheckReport(
            summaries=self._store.check(),
            orphans=len(orphans),
            unlinked=self._unlink(),
        )
        _log.info("check finished %s", report)
        return report

    def _drop_earlier(self, room_bytes: int) -> int:
        """Removes earlier answers, those replaced first, until the others have room; how many."""
        sizes = Counter[str]()
        for history in self._histories:
            sizes.update(history.sizes())
        left_bytes, last = sizes.total(), ""
        for hour in sorted(sizes):
            if left_bytes <= room_bytes:
                break
            left_bytes, last = left_bytes - sizes[hour], hour
        return sum(history.drop(last) for history in self._histories) if last else 0

    def _delete_sessions(self, session_keys: Iterable[str], now: datetime) -> tuple[int, int]:
        oldest = now - timedelta(seconds=self._keep_sessions_s)
        deleted = freed_bytes = 0
        for session_key in session_keys:
            try:
                if self._sessions.created_at(session_key) > oldest:
                    continue
            except SessionNotFound:  # someone else deleted it
                continue
            size_bytes = self._sessions.size_bytes(session_key)
            if self._sessions.delete(session_key):
                deleted += 1
                freed_bytes += size_bytes
        return deleted, freed_bytes

    def _whole(self, session_key: str) -> bool:
        """Whether the session can stay: it has a manifest, or is gone already."""
        return self._sessions.has_manifest(session_key) or not self._sessions.exists(session_key)

    def _unlink(self) -> int:
        unlinked = 0
        for summary in list(self._store.summaries()):
            session_key = summary.session_key
            if session_key is None or self._sessions.exists(session_key):
                continue
            if self._store.revise(summary.cache_key, partial(_without_session, session_key)):
                _log.warning("entry unlinked key=%s session=%s", summary.cache_key, session_key)
                unlinked += 1
        return unlinked


def _without_session(session_key: str, entry: Entry) -> Entry | None:
    if entry.session_key != session_key:
        return None
    return replace(entry, session_key=None, listing=())


def _size_bytes(entries: Iterable[EntrySummary]) -> int:
    return sum(one.size_bytes for one in entries)


def _without(entries: list[EntrySummary], gone: Iterable[EntrySummary]) -> list[EntrySummary]:
    gone_keys = {one.cache_key for one in gone}
    return [one for one in entries if one.cache_key not in gone_keys]


def _over_budget(entries: list[EntrySummary], limit_bytes: int) -> Iterator[EntrySummary]:
    """The entries to evict, oldest first, until the others are within the limit."""
    total_bytes = _size_bytes(entries)
    on_demand = (one for one in entries if not one.pinned)
    for one in sorted(on_demand, key=lambda entry: entry.computed_at):
        if total_bytes <= limit_bytes:
            return
        total_bytes -= one.size_bytes
        yield one
