"""A run over the cells of a grid."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from cache.entry import Version
from jobs.chunk import AskedCell, Chunks
from jobs.fingerprint import fingerprint
from jobs.in_parallel import in_parallel
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import CellOutcome
from jobs.renewal import renew
from jobs.repository import Catalog
from jobs.run_record import RunRecord
from jobs.scope import NOT_FRESH, Scope, narrowed
from jobs.status import Outcome
from jobs.value_chunk import ValueChunks
from jobs.wanting import LookedAt, Wanting
from jobs.why import Why

FIRST_CHUNK: Final = 8
LARGEST_CHUNK: Final = 256
LARGEST_VALUE_CHUNK: Final = 4096
"""The same of cells that keep no session, which take a twentieth of the time."""
CHUNK_S: Final = 1.0
"""What a chunk should take: the start of its child costs as much as many cheap cells."""


@dataclass
class GridRun:
    """Computes the cells that are not fresh, a chunk at a time.

    Where the job names its input, that counts instead of the time: answers made of the same input
    are fresh anew, and those made of another are computed, fresh or not.

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
    _input: str | None = field(default=None, init=False)
    _chunk_size: int = field(default=FIRST_CHUNK, init=False)

    def __post_init__(self) -> None:
        self.job = narrowed(self.job, self.scope)
        if self.job.isolation == "cell":
            self._chunk_size = 1

    def work(self) -> None:
        """Goes through all cells; returns when each is fresh or has failed.

        Raises:
            InputUnreadable: The job's input cannot be looked at.
            EngineUnavailable, EngineBusy, StoreFull, StoreUnavailable: It cannot go on now.
            RunInterrupted, RunEnded: It is not to go on.
            EngineError, CacheError, CatalogError: Something is wrong with all cells.
        """
        # What is read before the cells are: should it change meanwhile, the next run sees that.
        self._input = fingerprint(self.job, self.pantry)
        kind = ValueChunks if self.job.sessions == "none" else Chunks
        self._chunks = kind(
            self.job,
            self.version,
            self.pantry,
            self.record.run.id,
            fingerprint=self._input,
            pause=self.record.pause,
            fence=self.record.fence,
        )
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
            *(self.job, self.scope, self.version, self.pantry, self.catalog),
            input_now=self._input,
            since=run.started_at,
        )
        for block in looking.blocks():
            self._note_left([one for one in block if not one.wanted])
            wanting += [one.asked for one in block if one.wanted]
            while len(wanting) >= self._chunk_size:
                chunk, wanting = wanting[: self._chunk_size], wanting[self._chunk_size :]
                yield chunk
        if wanting:
            yield wanting

    def _note_left(self, left: Sequence[LookedAt]) -> None:
        noted = [
            self._chunks.outcome(one.asked, Outcome.FRESH, one.answer)
            for one in left
            if one.why is Why.FRESH and one.answer is not None and self.scope.counts_fresh
        ]
        same = {one.asked.cache_key: one.asked for one in left if one.why is Why.SAME_INPUT}
        renewed = renew(self.pantry, self.job, same.keys(), self.version, self._input)
        noted += [
            self._chunks.outcome(same[key], Outcome.SKIPPED, answer)
            for key, answer in renewed.items()
        ]
        if noted:
            self._note(noted)
        self.record.leave_out(len(left) - len(noted))

    def _note(self, outcomes: Sequence[CellOutcome]) -> None:
        self.record.note_cells(outcomes)
        count = {kind: sum(one.outcome is kind for one in outcomes) for kind in Outcome}
        durations = [one.duration_s or 0.0 for one in outcomes if one.outcome is Outcome.COMPUTED]
        if durations and self.job.isolation == "batch":
            mean_s = sum(durations) / len(durations)
            most = LARGEST_VALUE_CHUNK if self.job.sessions == "none" else LARGEST_CHUNK
            self._chunk_size = max(1, int(CHUNK_S / max(mean_s, CHUNK_S / most)))
        self.record.add(
            computed=count[Outcome.COMPUTED],
            fresh=count[Outcome.FRESH],
            failed=count[Outcome.FAILED],
            skipped=count[Outcome.SKIPPED],
            error=next((one.error for one in outcomes if one.error), ""),
        )
