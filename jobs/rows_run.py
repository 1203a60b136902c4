"""A run over the rows of a table."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

from cache.entry import Version
from cache.errors import RowsRefused
from engine.errand import is_called_off
from engine.errors import CallCancelled, EngineBusy, EngineError, EngineUnavailable, RError
from jobs.failures import failure_of
from jobs.in_parallel import in_parallel
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import BatchOutcome
from jobs.repository import Catalog
from jobs.row_answers import BatchDone, rows_of
from jobs.row_wanting import rows_in_scope, why_rows
from jobs.rows_source import RowBatch, RowsSource
from jobs.run_record import RunRecord
from jobs.scope import NOT_FRESH, Only, Scope
from jobs.status import Outcome


@dataclass(frozen=True)
class _Asked:
    """A batch on its way, and the place of its first row in the source."""

    start: int
    batch: RowBatch


@dataclass(frozen=True)
class _Computed:
    """What became of a batch, and how many of its rows failed."""

    outcome: BatchOutcome
    failed: int


@dataclass
class RowsRun:
    """Computes the rows that are new, changed in the source or not fresh, a batch at a time.

    Each batch is kept in one transaction: what was computed before a kill is fresh afterwards.

    Attributes:
        job: A rows job.
        version: The job's current one.
        pantry: Where everything is kept.
        catalog: Where outcomes are noted.
        record: Counts.
        scope: Which rows it was asked for.
        workers: Batches computed at a time.
    """

    job: Job
    version: Version
    pantry: Pantry
    catalog: Catalog
    record: RunRecord
    scope: Scope = NOT_FRESH
    workers: int = 1

    def work(self) -> None:
        """Goes through all rows; returns when each is fresh or has failed.

        Raises:
            RowsUnreadable: The source cannot be read.
            RowNotFound: It was asked for a row that the source does not have.
            EngineUnavailable, EngineBusy, StoreFull, StoreUnavailable: It cannot go on now.
            RunInterrupted, RunEnded: It is not to go on.
        """
        source = RowsSource.read(rows_of(self.job), self.pantry.r_tables)
        places = rows_in_scope(self.job.name, source, self.scope)
        self.record.expect(len(places))
        wanting = self._wanting(source, places)
        if self.scope.is_whole and wanting and self.record.run.attempt == 1:
            self.catalog.forget_outcomes(self.job.name)
        if self.scope.counts_fresh:
            self.record.add(fresh=len(places) - len(wanting))
        else:
            self.record.leave_out(len(places) - len(wanting))
        batches = self._batches(source, wanting)
        with closing(in_parallel(self._compute, batches, workers=self.workers)) as outcomes:
            for computed in outcomes:
                self._note(computed)
        if not self.record.progress.failed:
            self.pantry.row_answers.remove_gone(self.job, source)

    def _wanting(self, source: RowsSource, places: Sequence[int]) -> list[int]:
        """The places of the rows to compute."""
        scope = self.scope
        if scope.only is Only.ALL and self.record.run.attempt > 1:
            scope = replace(scope, only=None)  # what the first attempt computed is fresh
        table = self.pantry.row_answers.table(self.job)
        seen = why_rows(table, source, places, self.pantry.clock(), self.version)
        return [place for place, why in seen if scope.wants(why)]

    def _batches(self, source: RowsSource, wanting: list[int]) -> Iterator[_Asked]:
        starts = wanting[:: source.rows.batch]
        for start, batch in zip(starts, source.batches(wanting), strict=True):
            yield _Asked(start, batch)

    def _compute(self, asked: _Asked) -> _Computed:
        """What became of the batch, after as many attempts as the job allows."""
        attempt = 1
        while True:
            began = self.pantry.clock()
            try:
                done = self.pantry.row_answers.compute_batch(
                    self.job, asked.batch, self.version, self.job.priority
                )
            except (EngineUnavailable, EngineBusy):
                raise
            except (EngineError, RowsRefused) as error:
                if isinstance(error, CallCancelled) and is_called_off():
                    raise
                if not self.job.retries.again(attempt, error):
                    failed = self._outcome(asked, Outcome.FAILED, attempt, error=str(error))
                    return _Computed(replace(failed, failure=failure_of(error)), failed.size)
            else:
                problem = RError(done.problem, done.problem)
                if not done.failed or not self.job.retries.again(attempt, problem):
                    return self._computed(asked, done, attempt, began)
            self.record.pause(self.job.retries.pause_s(attempt))
            attempt += 1

    def _computed(self, asked: _Asked, done: BatchDone, attempt: int, began: datetime) -> _Computed:
        """A batch that was answered; it counts as failed where rows of it failed a check."""
        kind, error = (Outcome.COMPUTED, None)
        if done.failed:
            kind = Outcome.FAILED
            error = f"{done.failed:,} of {len(asked.batch.keys):,} rows: {done.problem}"
        outcome = self._outcome(asked, kind, attempt, computed_at=done.computed_at, error=error)
        duration_s = (done.computed_at - began).total_seconds()
        failure = failure_of(RError(done.problem, done.problem)) if done.failed else None
        return _Computed(replace(outcome, duration_s=duration_s, failure=failure), done.failed)

    def _note(self, computed: _Computed) -> None:
        outcome = computed.outcome
        self.record.note_batches([outcome])
        self.record.add(
            computed=outcome.size - computed.failed,
            failed=computed.failed,
            error=outcome.error or "",
        )

    def _outcome(
        self,
        asked: _Asked,
        outcome: Outcome,
        attempts: int,
        *,
        computed_at: datetime | None = None,
        error: str | None = None,
    ) -> BatchOutcome:
        return BatchOutcome(
            job=self.job.name,
            start=asked.start,
            size=len(asked.batch.keys),
            outcome=outcome,
            run_id=self.record.run.id,
            computed_at=computed_at,
            attempts=attempts,
            error=error,
        )
