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
from jobs.row_answers import BatchDone
from jobs.row_wanting import rows_in_scope, why_rows
from jobs.rows_source import RowBatch, RowsSource
from jobs.run_record import RunRecord
from jobs.scope import NOT_FRESH, Only, Scope
from jobs.status import Outcome
from jobs.why import Why


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
        answers = self.pantry.row_answers
        with answers.read(self.job) as source:
            places = rows_in_scope(self.job.name, source, self.scope)
            self.record.expect(len(places))
            batches = source.batches(self._wanting(source, places))
            with closing(in_parallel(self._compute, batches, workers=self.workers)) as outcomes:
                for computed in outcomes:
                    self._note(computed)
            if not self.record.progress.failed:
                answers.remove_gone(self.job, source, fence=self.record.fence)

    def _wanting(self, source: RowsSource, places: Sequence[int]) -> Iterator[int]:
        """The places of the rows to compute; fresh ones are noted on the way, others left out."""
        scope = self.scope
        is_first = self.record.run.attempt == 1
        if scope.only is Only.ALL and not is_first:
            scope = replace(scope, only=None)  # what the first attempt computed is fresh
        wants = {why for why in Why if scope.wants(why)}
        forgets = self.scope.is_whole and is_first
        table = self.pantry.row_answers.table(self.job)
        for block in why_rows(table, source, places, self.pantry.clock(), self.version):
            wanted = [place for place, why in block if why in wants]
            if wanted and forgets:
                self.catalog.forget_outcomes(self.job.name)
                forgets = False
            left = len(block) - len(wanted)
            if left and self.scope.counts_fresh:
                self.record.add(fresh=left)
            else:
                self.record.leave_out(left)
            yield from wanted

    def _compute(self, batch: RowBatch) -> _Computed:
        """What became of the batch, after as many attempts as the job allows."""
        attempt = 1
        while True:
            began = self.pantry.clock()
            try:
                done = self.pantry.row_answers.compute_batch(
                    *(self.job, batch, self.version, self.job.priority),
                    fence=self.record.fence,
                )
            except (EngineUnavailable, EngineBusy):
                raise
            except (EngineError, RowsRefused) as error:
                if isinstance(error, CallCancelled) and is_called_off():
                    raise
                if not self.job.retries.again(attempt, error):
                    failed = self._outcome(batch, Outcome.FAILED, attempt, error=str(error))
                    return _Computed(replace(failed, failure=failure_of(error)), failed.size)
            else:
                problem = RError(done.problem, done.problem)
                if not done.failed or not self.job.retries.again(attempt, problem):
                    return self._computed(batch, done, attempt, began)
            self.record.pause(self.job.retries.pause_s(attempt))
            attempt += 1

    def _computed(
        self, batch: RowBatch, done: BatchDone, attempt: int, began: datetime
    ) -> _Computed:
        """A batch that was answered; it counts as failed where rows of it failed a check."""
        kind, error = (Outcome.COMPUTED, None)
        if done.failed:
            kind = Outcome.FAILED
            error = f"{done.failed:,} of {len(batch.keys):,} rows: {done.problem}"
        outcome = self._outcome(batch, kind, attempt, computed_at=done.computed_at, error=error)
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
        batch: RowBatch,
        outcome: Outcome,
        attempts: int,
        *,
        computed_at: datetime | None = None,
        error: str | None = None,
    ) -> BatchOutcome:
        return BatchOutcome(
            job=self.job.name,
            start=batch.start,
            size=len(batch.keys),
            outcome=outcome,
            run_id=self.record.run.id,
            computed_at=computed_at,
            attempts=attempts,
            error=error,
        )
