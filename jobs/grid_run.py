"""A run over the cells of a grid."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from cache.entry import Version
from jobs.chunk import AskedCell, Chunks
from jobs.in_parallel import in_parallel
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import CellOutcome
from jobs.repository import Catalog
from jobs.run_record import RunRecord
from jobs.scope import NOT_FRESH, Scope, narrowed
from jobs.status import Outcome
from jobs.wanting import LookedAt, Wanting
from jobs.why import Why

FIRST_CHUNK: Final = 8
LARGEST_CHUNK: Final = 32
CHUNK_S: Final = 1.0
"""What a chunk should take: a kill loses no more than the chunks under way."""


@dataclass
class GridRun:
    """Computes the cells that are not fresh, a chunk at a time.

    It takes no part in single flight: who waits for a cell should not wait for a run's place in
    the queue.

    Attributes:
        job: The job.
        version: Its current version.
        pantry: Where everything is kept.
        catalog: Where outcomes are noted.
        record: Counts.
        scope: Which cells it was asked for.
        workers: Chunks computed at a time.
    """

    job: Job
    version: Version
    pantry: Pantry
    catalog: Catalog
    record: RunRecord
    scope: Scope = NOT_FRESH
    workers: int = 1
    _chunk_size: int = field(default=FIRST_CHUNK, init=False)

    def __post_init__(self) -> None:
        self.job = narrowed(self.job, self.scope)
        self._chunks = Chunks(self.job, self.version, self.pantry, self.record.run.id)

    def work(self) -> None:
        """Goes through all cells; returns when each is fresh or has failed.

        Raises:
            EngineUnavailable, EngineBusy, StoreFull, StoreUnavailable: It cannot go on now.
            RunInterrupted, RunEnded: It is not to go on.
            EngineError, CacheError, CatalogError: Something is wrong with all cells.
        """
        self.record.expect(self.job.grid.count() if self.job.grid else 0)
        compute = self._chunks.compute
        with closing(in_parallel(compute, self._wanting(), workers=self.workers)) as results:
            for outcomes in results:
                self._note(outcomes)
        if self.scope.is_whole:
            self.catalog.forget_outcomes(self.job.name, but_of_run=self.record.run.id)

    def _wanting(self) -> Iterator[list[AskedCell]]:
        """The cells to compute, in chunks; fresh ones are noted on the way, others left out."""
        run, wanting = self.record.run, list[AskedCell]()
        looking = Wanting(
            self.job, self.scope, self.version, self.pantry, self.catalog, since=run.started_at
        )
        for block in looking.blocks():
            self._note_fresh([one for one in block if not one.wanted])
            wanting += [one.asked for one in block if one.wanted]
            while len(wanting) >= self._chunk_size:
                chunk, wanting = wanting[: self._chunk_size], wanting[self._chunk_size :]
                yield chunk
        if wanting:
            yield wanting

    def _note_fresh(self, left: Sequence[LookedAt]) -> None:
        fresh = [
            self._chunks.outcome(one.asked, Outcome.FRESH, one.answer)
            for one in left
            if one.why is Why.FRESH and one.answer is not None and self.scope.counts_fresh
        ]
        if fresh:
            self._note(fresh)
        self.record.leave_out(len(left) - len(fresh))

    def _note(self, outcomes: Sequence[CellOutcome]) -> None:
        self.catalog.record_cells(outcomes)
        count = {kind: sum(one.outcome is kind for one in outcomes) for kind in Outcome}
        durations = [one.duration_s or 0.0 for one in outcomes if one.outcome is Outcome.COMPUTED]
        if durations:
            mean_s = sum(durations) / len(durations)
            self._chunk_size = max(1, int(CHUNK_S / max(mean_s, CHUNK_S / LARGEST_CHUNK)))
        self.record.add(
            computed=count[Outcome.COMPUTED],
            fresh=count[Outcome.FRESH],
            failed=count[Outcome.FAILED],
            error=next((one.error for one in outcomes if one.error), ""),
        )
