"""How many of a job's cells have an answer, and how good it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any, Final

from cache.clock import from_text
from cache.entry import EntrySummary, State, Version
from cache.generations import Generations
from cache.store import Store
from jobs.job import Job
from jobs.row_answers import RowAnswers
from jobs.versions import Versions

_AT_ONCE: Final = 1000
_ROWS_COUNT_FOR: Final = timedelta(seconds=5)  # counting a million rows takes a quarter of a second


@dataclass(frozen=True)
class JobFreshness:
    """Counts of a job's cells at one moment.

    Of a rows job these are the rows in its table: what else its source has, only a run finds out.

    Attributes:
        total: All of them.
        fresh: Served as they are.
        stale: Served, and to be computed anew.
        missing: Without an answer, or with one that is too old to be served.
        oldest: When the oldest answer was computed; None where there is none.
    """

    total: int
    fresh: int
    stale: int
    missing: int
    oldest: datetime | None


class FreshnessCounts:
    """Counts, remembered until the job's answers or its version change or one of them ages."""

    def __init__(
        self,
        store: Store,
        row_answers: RowAnswers,
        generations: Generations,
        versions: Versions,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._row_answers = row_answers
        self._generations = generations
        self._versions = versions
        self._clock = clock
        self._turn = Lock()
        self._known: dict[str, tuple[tuple[object, ...], datetime | None, JobFreshness]] = {}

    def of(self, job: Job) -> JobFreshness:
        """The counts for this job. No R; some 20 µs a cell when they have to be made.

        Raises:
            StoreUnavailable: The store, or the job's table, cannot be read.
        """
        version = self._versions.current(job.name)
        mark = (job, self._generations.read(job.qualified), version)
        now = self._clock()
        with self._turn:
            known = self._known.get(job.name)
        if known is not None and known[0] == mark and (known[1] is None or now < known[1]):
            return known[2]
        until, counts = self._count(job, version, now)
        with self._turn:
            self._known[job.name] = (mark, until, counts)
        return counts

    def _count(
        self, job: Job, version: Version | None, now: datetime
    ) -> tuple[datetime | None, JobFreshness]:
        if job.rows is not None:
            return now + _ROWS_COUNT_FOR, self._count_rows(job, version, now)
        counts = dict.fromkeys(State, 0)
        oldest: datetime | None = None
        until: datetime | None = None
        for keys in _keys(job):
            for entry in self._store.summaries_of(keys).values():
                state = entry.state(now, version)
                counts[state] += 1
                if state is not State.MISS:
                    oldest = min(oldest or entry.computed_at, entry.computed_at)
                    ends = _ends(entry, state, version)
                    until = min(until or ends, ends)
        total = job.grid.count() if job.grid else 0
        fresh, stale = counts[State.FRESH], counts[State.STALE]
        missing = total - fresh - stale
        return until, JobFreshness(total, fresh, stale, missing, oldest)

    def _count_rows(self, job: Job, version: Version | None, now: datetime) -> JobFreshness:
        table = self._row_answers.table(job)
        counts = table.counts(now, version.digest if version else "")
        _, rows = table.page(columns=[], order_by="computed_at", limit=1)
        first: tuple[Any, ...] | None = next(rows, None)
        oldest = from_text(first[-1]) if first else None
        fresh, stale, expired = counts["fresh"], counts["stale"], counts["expired"]
        return JobFreshness(fresh + stale + expired, fresh, stale, expired, oldest)


def _ends(entry: EntrySummary, state: State, version: Version | None) -> datetime:
    """When the entry will not be in this state any more."""
    if state is State.FRESH:
        return entry.fresh_until
    if version is None or version.digest == entry.version:
        return entry.stale_until
    return min(entry.stale_until, version.since + (entry.stale_until - entry.fresh_until))


def _keys(job: Job) -> Iterator[list[str]]:
    cells = job.cells()
    while block := list(islice(cells, _AT_ONCE)):
        yield [job.cache_key(cell.arguments) for cell in block]
