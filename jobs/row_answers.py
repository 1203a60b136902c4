"""Answers of rows jobs: each a row of the job's own table, computed a batch at a time."""

from collections.abc import Container
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from pathlib import Path
from threading import Lock

from cache.border import disk_border
from cache.call_records import CallRecords
from cache.clock import Clock
from cache.entry import State, Version
from cache.fence import Fence, no_fence
from cache.generations import Generations
from cache.sessions import SessionFolder
from cache.tables import RowTable
from engine.asker_errors import AskerRefused
from engine.call import FunctionCall, Priority
from engine.errors import EngineError, RError
from engine.limits import Limits
from jobs.errors import RowNotFound
from jobs.evaluator import Evaluator
from jobs.flight import Flights
from jobs.job import Job
from jobs.last_source import LastSource
from jobs.r_expression import AsksR
from jobs.r_values import engine_arguments
from jobs.row_resolution import RowResolution
from jobs.rows_source import RowBatch, RowKey, Rows, RowsSource
from jobs.versions import Versions


@dataclass(frozen=True)
class BatchDone:
    """When a batch was computed, how many of its rows failed a check, and which check."""

    computed_at: datetime
    failed: int = 0
    problem: str = ""


class RowAnswers:
    """Finds rows, and has them computed; for any number of threads, not across a fork.

    Args:
        folder: Where each rows job has its table.
        sessions: Lends the folders in which R works.
        calls: Where it is noted how a call ended.
        generations: Are told of new rows.
        versions: Say which version of a job is current.
        pool: Runs R.
        flights: What is being made now.
        clock: Gives the moment.
        limits: Of one call; a job's timeout takes the place of `wall_s`.
        r_tables: Makes the sources that R makes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sessions: SessionFolder,
        calls: CallRecords,
        generations: Generations,
        versions: Versions,
        pool: Evaluator,
        flights: Flights,
        clock: Clock,
        limits: Limits,
        r_tables: AsksR,
    ) -> None:
        self._folder = folder
        self._sessions = sessions
        self._calls = calls
        self._generations = generations
        self._versions = versions
        self._pool = pool
        self._flights = flights
        self._clock = clock
        self._limits = limits
        self._r_tables = r_tables
        self._tables: dict[tuple[str, str], RowTable] = {}
        self._turn = Lock()
        self._last = LastSource(self._read, clock)

    def table(self, job: Job) -> RowTable:
        """The job's table."""
        name = (job.name, rows_of(job).key)
        with self._turn:
            if name not in self._tables:
                self._tables[name] = RowTable(self._folder / f"{job.name}.db", key=name[1])
            return self._tables[name]

    def forget_except(self, jobs: Container[str]) -> None:
        """Lets go of the tables of all other jobs: their files are removed one day."""
        with self._turn:
            for name in [name for name in self._tables if name[0] not in jobs]:
                self._tables.pop(name).close()

    def find(self, job: Job, row_key: RowKey) -> RowResolution:
        """What there is for this row: one read of the table, no R, no write.

        Raises:
            StoreUnavailable: The table cannot be read.
        """
        answer = self.table(job).get(row_key)
        version = self._versions.current(job.name)
        now = self._clock()
        state = State.MISS if answer is None else answer.state(now, version)
        if state is State.MISS:
            answer = None
        return RowResolution(state, job, row_key, now, answer, version)

    def begin(
        self, job: Job, row_key: RowKey, *, call_key: str | None = None
    ) -> "Future[RowResolution]":
        """Has a row computed that is in the job's source but not in its table; returns at once.

        `call_key` names the call, if it is not somebody else who makes it. The Future raises
        `RowNotFound` if it is not in the source either, `RowsUnreadable`, or what R's engine does.

        Raises:
            RowNotFound: The job computes nothing on demand.
        """
        if job.on_miss == "refuse":
            raise RowNotFound(job.name, row_key, "rows of this job are computed by its runs only")

        def make() -> RowResolution:
            found = self.find(job, row_key)
            if found.answer is not None:
                return found
            return self.compute(found, Priority.LIVE, call_key)

        return self._flights.launch(flight_key(job, row_key), make)

    def compute(
        self, found: RowResolution, priority: Priority, call_key: str | None = None
    ) -> RowResolution:
        """The row, computed anew as a batch of one.

        Raises:
            RowNotFound: The source has no such row.
            RowsUnreadable: The source cannot be read.
            EngineError: R could not compute it.
        """
        job = found.job
        row_key = found.row_key
        with self.source(job) as source:
            batch = source.row(source.parse_key(row_key) if isinstance(row_key, str) else row_key)
        if batch is None:
            raise RowNotFound(job.name, row_key, f"nor has {rows_of(job).source.name}")
        self.compute_batch(job, batch, found.version, priority, call_key)
        return replace(self.find(job, row_key), computed=True)

    def refresh(self, stale: RowResolution) -> RowResolution:
        """The successor of a stale row, unless another process has just made it.

        Raises:
            JobError, EngineError: As `compute`; the stale row stays.
        """
        found = self.find(stale.job, stale.row_key)
        return found if found.state is State.FRESH else self.compute(found, Priority.REFRESH)

    def compute_batch(
        self,
        job: Job,
        batch: RowBatch,
        version: Version | None,
        priority: Priority,
        call_key: str | None = None,
        *,
        fence: Fence = no_fence,
    ) -> BatchDone:
        """Has R compute these rows in one call and keeps them in one transaction.

        A row that fails a check is not kept: its older answer stays. `fence` is asked before any
        is kept, and raises to prevent it.

        Raises:
            RError: R could not compute them, or all failed a check; their older answers stay.
            EngineError: R could not be asked, or gave no answer; likewise.
            RowsRefused: The answer has columns that cannot be kept.
            StoreFull, StoreUnavailable: They cannot be kept.
        """
        rows = rows_of(job)
        arguments = engine_arguments(job.defaults())
        stage = self._sessions.stage(call_key)
        try:
            with disk_border(self._sessions.root):
                answer = self._pool.evaluate_rows(
                    FunctionCall(
                        job.package, job.function, arguments, seed=job.seed, checks=job.checks
                    ),
                    pass_as=rows.pass_as,
                    frame=batch.frame,
                    stage=stage.path,
                    limits=job.limits(self._limits),
                    priority=priority,
                )
            failed = frozenset(answer.failed)
            if failed and len(failed) == len(batch.keys):
                raise RError(answer.problem, answer.problem)
        except AskerRefused:
            raise  # it never was a call
        except EngineError as error:
            key, kind = stage.session_key, type(error).__name__
            self._calls.end(key, job.qualified, failure=kind, reason=str(error))
            raise
        finally:
            self._sessions.discard(stage)
        now = self._clock()
        sound = [place not in failed for place in range(len(batch.keys))]
        self.table(job).write(
            list(compress(batch.keys, sound)),
            list(compress(batch.digests, sound)),
            {
                name: list(compress(column.plain(), sound))
                for name, column in answer.frame.columns.items()
            },
            version=version.digest if version else "",
            computed_at=now,
            freshness=job.freshness,
            fence=fence,
        )
        self._generations.bump(job.qualified)
        return BatchDone(now, len(failed), answer.problem)

    def remove_gone(self, job: Job, source: RowsSource, *, fence: Fence = no_fence) -> int:
        """Removes the rows that the source no longer has; how many. `fence` may prevent it."""
        gone = self.table(job).remove_except(source.keys, now=self._clock(), fence=fence)
        if gone:
            self._generations.bump(job.qualified)
        return gone

    def close(self) -> None:
        """Closes the tables, and the source read last."""
        with self._turn:
            for table in self._tables.values():
                table.close()
            self._tables.clear()
        self._last.close()

    def read(self, job: Job) -> RowsSource:
        """The source as it is now; whoever asks closes it.

        Raises:
            RowsUnreadable: It cannot be read.
            EngineError: R had to be asked and could not.
            StoreFull, StoreUnavailable: There is no room for it.
        """
        return self._read(rows_of(job))

    def source(self, job: Job) -> AbstractContextManager[RowsSource]:
        """The source, read again when it may have changed; see `LastSource.of`."""
        return self._last.of(rows_of(job))

    def _read(self, rows: Rows) -> RowsSource:
        return RowsSource.read(rows, self._r_tables, folder=self._folder)


def rows_of(job: Job) -> Rows:
    """The rows of a rows job."""
    assert job.rows is not None, f"{job.name} is no rows job"  # noqa: S101 - the caller's mistake
    return job.rows


def flight_key(job: Job, row_key: RowKey) -> str:
    """What stands for a row among the flights."""
    return f"{job.name} {row_key}"
