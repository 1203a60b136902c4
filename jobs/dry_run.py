"""A dry run: what a run would compute, and why. No write, and no R but for an input."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cache.entry import Version
from jobs.fingerprint import fingerprint
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.r_values import plain_values
from jobs.repository import Catalog
from jobs.row_wanting import rows_in_scope, why_rows
from jobs.scope import Scope, narrowed
from jobs.wanting import Wanting
from jobs.why import Why

FIRST: Final = 10


@dataclass(frozen=True)
class WantedCell:
    """A cell, or row, that would be computed; `failed` if the last run could not."""

    arguments: dict[str, Any]
    why: Why
    failed: bool = False


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Attributes:
        job: The job.
        scope: What was asked for.
        total: Cells, or rows, that it would look at.
        reasons: How many it would compute, by reason.
        failed: How many of those the last run could not compute.
        first: The first of them.
    """

    job: Job
    scope: Scope
    total: int
    reasons: dict[Why, int]
    failed: int
    first: tuple[WantedCell, ...]

    @property
    def wanted(self) -> int:
        """How many it would compute."""
        return sum(self.reasons.values())


def dry_run(job: Job, scope: Scope, version: Version, pantry: Pantry, catalog: Catalog) -> DryRun:
    """What a run of the job in this scope would compute if it made answers of `version`.

    Raises:
        ArgumentInvalid, RowNotFound: The scope names what is not there.
        RowsUnreadable: The table of the rows job cannot be read.
        InputUnreadable: What `refresh_when` names cannot be looked at.
        StoreUnavailable, CatalogUnavailable: What is stored cannot be read.
    """
    smaller = narrowed(job, scope)
    look = _cells if job.rows is None else _rows
    reasons: Counter[Why] = Counter()
    first: list[WantedCell] = []
    total = failed = 0
    for cell in look(smaller, scope, version, pantry, catalog):
        total += 1
        if cell is not None:
            reasons[cell.why] += 1
            failed += cell.failed
            if len(first) < FIRST:
                first.append(cell)
    return DryRun(job, scope, total, dict(reasons), failed, tuple(first))


def _cells(
    job: Job, scope: Scope, version: Version, pantry: Pantry, catalog: Catalog
) -> Iterator[WantedCell | None]:
    looking = Wanting(*(job, scope, version, pantry, catalog), input_now=fingerprint(job, pantry))
    for block in looking.blocks():
        for one in block:
            plain = plain_values(one.asked.call.arguments)
            yield WantedCell(plain, one.why, one.failed) if one.wanted else None


def _rows(
    job: Job, scope: Scope, version: Version, pantry: Pantry, _catalog: Catalog
) -> Iterator[WantedCell | None]:
    table = pantry.row_answers.table(job)
    with pantry.row_answers.source(job) as source:
        places = rows_in_scope(job.name, source, scope)
        for block in why_rows(table, source, places, pantry.clock(), version):
            keys = source.keys.at([place for place, _ in block])
            for key, (_, why) in zip(keys, block, strict=True):
                yield WantedCell({source.rows.key: key}, why) if scope.wants(why) else None
