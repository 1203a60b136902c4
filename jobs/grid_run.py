"""A run over the cells of a grid."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from cache.entry import EntrySummary, State, Version
from jobs.call import call_of_cell
from jobs.chunk import AskedCell, Chunks
from jobs.in_parallel import in_parallel
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import CellOutcome
from jobs.repository import Catalog
from jobs.run_record import RunRecord
from jobs.status import Outcome

FIRST_CHUNK: Final = 8
LARGEST_CHUNK: Final = 32
CHUNK_S: Final = 1.0
"""What a chunk should take: a kill loses no more than the chunks under way."""
_LOOKED_UP_AT_ONCE: Final = 500


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
        force: Compute fresh cells too.
        workers: Chunks computed at a time.
    """

    job: Job
    version: Version
    pantry: Pantry
    catalog: Catalog
    record: RunRecord
    force: bool = False
    workers: int = 1
    _chunk_size: int = field(default=FIRST_CHUNK, init=False)

    def __post_init__(self) -> None:
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
        self.catalog.forget_outcomes(self.job.name, but_of_run=self.record.run.id)

    def _wanting(self) -> Iterator[list[AskedCell]]:
        """The cells that are not fresh, in chunks; the others are noted on the way."""
        cells = self.job.cells()
        wanting: list[AskedCell] = []
        while block := list(islice(cells, _LOOKED_UP_AT_ONCE)):
            asked = [
                AskedCell(call_of_cell(self.job, cell), self.job.cache_key(cell.arguments))
                for cell in block
            ]
            wanting += self._without_fresh(asked)
            while len(wanting) >= self._chunk_size:
                chunk, wanting = wanting[: self._chunk_size], wanting[self._chunk_size :]
                yield chunk
        if wanting:
            yield wanting

    def _without_fresh(self, asked: Sequence[AskedCell]) -> list[AskedCell]:
        known = self.pantry.store.summaries_of(one.cache_key for one in asked)
        fresh = {key: answer for key, answer in known.items() if self._is_done(answer)}
        if fresh:
            self._note(
                [
                    self._chunks.outcome(one, Outcome.FRESH, fresh[one.cache_key])
                    for one in asked
                    if one.cache_key in fresh
                ]
            )
        return [one for one in asked if one.cache_key not in fresh]

    def _is_done(self, answer: EntrySummary) -> bool:
        if self.force:  # what this run computed before it was interrupted counts
            is_ours = answer.computed_at >= self.record.run.started_at
            return is_ours and answer.version == self.version.digest
        return answer.state(self.pantry.clock(), self.version) is State.FRESH

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
