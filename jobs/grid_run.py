"""A run over the cells of a grid."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from cache.entry import Entry, EntryFacts, EntrySummary, State, Version
from jobs.call import call_of_cell
from jobs.chunk import AskedCell, Chunks
from jobs.fingerprint import fingerprint
from jobs.in_parallel import in_parallel
from jobs.job import Job
from jobs.new_entry import FINGERPRINT
from jobs.pantry import Pantry
from jobs.records import CellOutcome
from jobs.repository import Catalog
from jobs.run_record import RunRecord
from jobs.status import Outcome

Facts = TypeVar("Facts", bound=EntryFacts)

FIRST_CHUNK: Final = 8
LARGEST_CHUNK: Final = 32
CHUNK_S: Final = 1.0
"""What a chunk should take: a kill loses no more than the chunks under way."""
_LOOKED_UP_AT_ONCE: Final = 500


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
    _input: str | None = field(default=None, init=False)
    _chunk_size: int = field(default=FIRST_CHUNK, init=False)

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
        self._chunks = Chunks(
            self.job, self.version, self.pantry, self.record.run.id, fingerprint=self._input
        )
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
        same = [answer for answer in known.values() if self._has_same_input(answer)]
        renewed = self._renewed([answer for answer in same if answer.cache_key not in fresh])
        outcome = self._chunks.outcome
        done = {one.cache_key: one for one in asked}
        noted = [outcome(done[key], Outcome.FRESH, answer) for key, answer in fresh.items()]
        noted += [outcome(done[key], Outcome.SKIPPED, answer) for key, answer in renewed.items()]
        if noted:
            self._note(noted)
        return [one for one in asked if one.cache_key not in fresh.keys() | renewed.keys()]

    def _is_done(self, answer: EntrySummary) -> bool:
        # What this run computed before it was interrupted counts.
        is_ours = answer.computed_at >= self.record.run.started_at
        if self.force or (self._input is not None and FINGERPRINT in answer.extra):
            return is_ours and answer.version == self.version.digest
        return answer.state(self.pantry.clock(), self.version) is State.FRESH

    def _has_same_input(self, answer: EntryFacts) -> bool:
        return (
            not self.force
            and self._input is not None
            and answer.extra.get(FINGERPRINT) == self._input
            and answer.version == self.version.digest
        )

    def _renewed(self, answers: Sequence[EntrySummary]) -> dict[str, EntrySummary]:
        """Those of the answers that are made fresh anew; the others have gone, or are new."""
        now = self.pantry.clock()

        def renew(entry: Entry) -> Entry | None:
            return self._from(now, entry) if self._has_same_input(entry) else None

        keys = self.pantry.store.revise_many((one.cache_key for one in answers), renew)
        if keys:
            self.pantry.generations.bump(self.job.qualified)
        return {one.cache_key: self._from(now, one) for one in answers if one.cache_key in keys}

    def _from(self, now: datetime, answer: Facts) -> Facts:
        """The answer, fresh from now on."""
        fresh_until, stale_until, keep_until = self.job.freshness.until(now)
        return replace(
            answer, fresh_until=fresh_until, stale_until=stale_until, keep_until=keep_until
        )

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
            skipped=count[Outcome.SKIPPED],
            error=next((one.error for one in outcomes if one.error), ""),
        )
