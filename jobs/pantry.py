"""Pantry: what one process has at hand to answer calls, wired together.

It knows no database: an API worker needs nothing else, and a hit touches no SQL of the catalog.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Final

from cache.border import disk_border
from cache.call_records import CallRecords
from cache.clock import Clock, utcnow
from cache.generations import Generations
from cache.sessions import SessionFolder
from cache.store import Store
from engine.call import Output
from engine.limits import Limits
from jobs.call import Call
from jobs.errors import NoAnswerThen
from jobs.evaluator import Evaluator
from jobs.flight import Flights
from jobs.freshness import FreshnessCounts, JobFreshness
from jobs.grid_values import GridValues
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.materialise import Materialiser
from jobs.memory import Memory
from jobs.r_expression import RTables
from jobs.refresh import Refresher
from jobs.removed_jobs import RemovedJobs
from jobs.resolution import Resolution
from jobs.resolve import Resolver
from jobs.row_answers import RowAnswers, flight_key
from jobs.row_resolution import RowResolution
from jobs.rows_source import RowKey
from jobs.stored_sessions import StoredSessions
from jobs.table import Selection, Table, answers_now, answers_then, grid_table
from jobs.versions import Versions

MEMORY_BYTES: Final = 64 * 2**20
"""Answers that one process keeps in memory."""


class Pantry:
    """The store, the sessions and the tables of one state folder, and the engine beside them.

    For any number of threads; each process opens its own, and does not carry it across a fork.

    Args:
        state: The state folder.
        pool: Runs R.
        jobs: The jobs as they are defined now.
        clock: Gives the moment.
        limits: Of one call; a job's timeout takes the place of `wall_s`.
        size_limit_bytes: Of the store, for the sweep to keep.
        session_key_digits: Random digits of a new session's key.
        memory_bytes: Answers kept in memory.
        keep_sessions_s: How long a session stays that no answer holds; None: until it is swept.

    Raises:
        StoreFull, StoreUnavailable: The folder cannot be used.
    """

    def __init__(
        self,
        state: Path,
        pool: Evaluator,
        jobs: JobSet | None = None,
        *,
        clock: Clock = utcnow,
        limits: Limits | None = None,
        size_limit_bytes: int = 10 * 2**30,
        session_key_digits: int = 13,
        memory_bytes: int = MEMORY_BYTES,
        keep_sessions_s: float | None = None,
    ) -> None:
        with disk_border(state):
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._jobs = jobs or JobSet()
        self.pool = pool
        self.clock = clock
        self.limits = limits or Limits()
        self.store = Store(state / "results", size_limit_bytes=size_limit_bytes, clock=clock)
        self.sessions = SessionFolder(state / "sessions", key_digits=session_key_digits)
        self.calls = CallRecords(state / "calls", clock=clock, keep_s=keep_sessions_s)
        self.generations = Generations(state / "generations")
        self.r_tables = RTables(pool, self.sessions, self.limits)
        self.grid_values = GridValues(state / "grids", self.generations, self.r_tables)
        self.stored_sessions = StoredSessions(
            self.sessions, self.store, self.generations, clock=clock, keep_s=keep_sessions_s
        )
        self.removed = RemovedJobs(state, clock)
        self.versions = Versions(state / "versions.json", self.generations)
        self.flights = Flights(state / "flights.lock")
        self.resolver = Resolver(
            lambda: self.jobs,
            self.store,
            self.generations,
            self.versions,
            clock=clock,
            memory=Memory(memory_bytes),
        )
        self.materialiser = Materialiser(
            resolver=self.resolver,
            store=self.store,
            sessions=self.sessions,
            calls=self.calls,
            generations=self.generations,
            pool=pool,
            flights=self.flights,
            clock=clock,
            limits=self.limits,
        )
        self.rows_folder = state / "rows"
        self.row_answers = RowAnswers(
            self.rows_folder,
            sessions=self.sessions,
            calls=self.calls,
            generations=self.generations,
            versions=self.versions,
            pool=pool,
            flights=self.flights,
            clock=clock,
            limits=self.limits,
            r_tables=self.r_tables,
        )
        self.refresher = Refresher(self.flights)
        self._counts = FreshnessCounts(
            self.store, self.row_answers, self.generations, self.versions, clock
        )

    @property
    def jobs(self) -> JobSet:
        """The jobs, with the values that their grids read last from outside."""
        return self.grid_values.filled(self._jobs)

    def use(self, jobs: JobSet) -> None:
        """Takes over changed definitions, whole."""
        self._jobs = jobs
        self.row_answers.forget_except(jobs)

    def resolve(
        self, call: Call, job: Job | None = None, *, among: Iterable[Job] | None = None
    ) -> Resolution | None:
        """What there is for a call: under `job`, or under any that declares its function.

        None if no job does; `among` are the jobs that count, if not all. No R, no SQL of the
        catalog, no write; blocks for some 10 µs.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        if job is not None:
            return self.resolver.look(call, job)
        return self.resolver.resolve(call, among)

    def begin(
        self,
        call: Call,
        job: Job,
        *,
        also: Sequence[Output] = (),
        newer_than: datetime | None = None,
        session_key: str | None = None,
    ) -> "Future[Resolution]":
        """Has a miss answered; see `Materialiser.begin`."""
        return self.materialiser.begin(
            call, job, also=also, newer_than=newer_than, session_key=session_key
        )

    def materialise(
        self,
        call: Call,
        job: Job,
        *,
        also: Sequence[Output] = (),
        newer_than: datetime | None = None,
        session_key: str | None = None,
    ) -> Resolution:
        """As `begin`, but waits for the answer; see `Materialiser.materialise`."""
        return self.materialiser.materialise(
            call, job, also=also, newer_than=newer_than, session_key=session_key
        )

    def refresh(self, stale: Resolution) -> bool:
        """Has a successor made behind a stale answer, unless that is under way; returns at once."""
        if not stale.call.repeatable:
            return False
        return self.refresher.refresh(stale.cache_key, lambda: self.materialiser.refresh(stale))

    def row_answer(self, job: Job, row_key: RowKey) -> RowResolution:
        """What there is for a row; a miss may be computed by `begin_row`. No R, no write.

        Raises:
            StoreUnavailable: The job's table cannot be read.
        """
        return self.row_answers.find(job, row_key)

    def begin_row(
        self, job: Job, row_key: RowKey, *, call_key: str | None = None
    ) -> "Future[RowResolution]":
        """Has a row computed that was missing; see `RowAnswers.begin`."""
        return self.row_answers.begin(job, row_key, call_key=call_key)

    def refresh_row(self, stale: RowResolution) -> bool:
        """Has a successor made behind a stale row, unless that is under way; returns at once."""
        key = flight_key(stale.job, stale.row_key)
        return self.refresher.refresh(key, lambda: self.row_answers.refresh(stale))

    def table(self, job: Job, wanted: Selection | None = None) -> Table:
        """All answers of the job, one under the other, without R; see `grid_table`.

        Those of a rows job are its table: the key first, computed_at last.

        Raises:
            ColumnUnknown: The selection names a column that is not there.
            NoAnswerThen: Answers of then are kept no longer.
            StoreUnavailable: The answers cannot be read.
        """
        wanted = wanted or Selection()
        horizon = None if wanted.as_of is None else self.horizon(job)
        if wanted.as_of is not None and horizon is not None and wanted.as_of < horizon:
            raise NoAnswerThen(job.name, wanted.as_of, earliest=horizon)
        if job.rows is None:
            version = self.versions.current(job.name)
            answers, now = answers_now(job, self.store), self.clock()
            if wanted.as_of is not None:
                answers = answers_then(job, self.store, wanted.as_of)
                now, version = wanted.as_of, None
            aside = self.rows_folder
            return grid_table(job, answers, now=now, version=version, wanted=wanted, folder=aside)
        names, rows = self.row_answers.table(job).page(**vars(wanted))
        return Table(tuple(names), rows)

    def horizon(self, job: Job) -> datetime | None:
        """The moment before which answers of the job are kept no longer; None if all are."""
        if job.rows is None:
            return self.store.history.horizon(job.name)
        return self.row_answers.table(job).past.horizon()

    def freshness(self, job: Job) -> JobFreshness:
        """How many of the job's cells are fresh, stale and missing; without R."""
        return self._counts.of(job)

    def close(self) -> None:
        """Waits for what is being made, then closes everything."""
        self.flights.close()
        self.row_answers.close()
        self.store.close()
        self.generations.close()
