"""Wanting: the cells of a job that a run computes, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from cache.entry import EntrySummary, Version
from jobs.call import call_of_cell
from jobs.chunk import AskedCell
from jobs.job import Job
from jobs.new_entry import FINGERPRINT
from jobs.pantry import Pantry
from jobs.renewal import has_same_input
from jobs.repository import Catalog
from jobs.scope import Only, Scope
from jobs.why import Why, why_of

_AT_ONCE: Final = 500


@dataclass(frozen=True)
class LookedAt:
    """A cell, what is stored for it, and what that means.

    Attributes:
        asked: The cell.
        answer: What is stored, even if it is too old to be served.
        why: The reason for its state.
        failed: Whether the last run could not compute it, and nobody has since.
        wanted: Whether it is to be computed.
    """

    asked: AskedCell
    answer: EntrySummary | None
    why: Why
    failed: bool
    wanted: bool


@dataclass(frozen=True)
class Wanting:
    """Looks at the cells of a job, block by block.

    Attributes:
        job: The job, narrowed to the cells in question.
        scope: Which of them are wanted.
        version: The version that they are to have.
        pantry: Where answers are.
        catalog: Knows what failed.
        input_now: The fingerprint of the job's input, if it names one and that is to count.
        since: An answer of this version from then on is never wanted: the run itself made it.
    """

    job: Job
    scope: Scope
    version: Version
    pantry: Pantry
    catalog: Catalog
    input_now: str | None = None
    since: datetime | None = None
    _failed: dict[str, datetime] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Asks for what failed; only where that matters are these many."""
        self._failed.update(self.catalog.failed_cells(self.job.name))

    def blocks(self) -> Iterator[list[LookedAt]]:
        """All cells, some hundred at a time.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        cells = self.job.cells()
        while block := list(islice(cells, _AT_ONCE)):
            asked = [
                AskedCell(call_of_cell(self.job, cell), self.job.cache_key(cell.arguments))
                for cell in block
            ]
            known = self.pantry.store.summaries_of(one.cache_key for one in asked)
            yield [self._looked_at(one, known.get(one.cache_key)) for one in asked]

    def _looked_at(self, asked: AskedCell, answer: EntrySummary | None) -> LookedAt:
        why = self._why(answer)
        failed_at = self._failed.get(asked.cache_key)
        failed = failed_at is not None and (answer is None or answer.computed_at < failed_at)
        wanted = self.scope.wants(why, failed=failed)
        return LookedAt(asked, answer, why, failed, wanted and not self._is_repeated(answer))

    def _why(self, answer: EntrySummary | None) -> Why:
        why = why_of(answer, self.pantry.clock(), self.version)
        if answer is None or self.scope.only is not None or FINGERPRINT not in answer.extra:
            return why
        if has_same_input(answer, self.version, self.input_now):
            return why if self._is_ours(answer) else Why.SAME_INPUT
        is_other = self.input_now is not None and why is Why.FRESH and not self._is_ours(answer)
        return Why.INPUT_CHANGED if is_other else why

    def _is_repeated(self, answer: EntrySummary | None) -> bool:
        """Whether the run would compute again what it has computed itself."""
        return self.scope.only is Only.ALL and answer is not None and self._is_ours(answer)

    def _is_ours(self, answer: EntrySummary) -> bool:
        since_then = self.since is not None and answer.computed_at >= self.since
        return since_then and answer.version == self.version.digest
