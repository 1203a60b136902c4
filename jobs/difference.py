"""What a job answers otherwise at one moment than at another: cell by cell, or row by row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import nlargest
from typing import Any, Final

from jobs.cell_changes import cell_changes
from jobs.errors import NoAnswerThen, RunNotFound, ValueInvalid
from jobs.job import Job
from jobs.moment import parse_moment
from jobs.pantry import Pantry
from jobs.records import Run
from jobs.repository import Catalog
from jobs.row_answers import rows_of
from jobs.status import DONE
from jobs.value_parts import Part, parts_of

LOOKED_AT: Final = 1000
"""Runs, newest first, among which the last two that brought answers are looked for."""
PARTS_SHOWN: Final = 20
"""Parts of one value that are told; the largest changes, where there are more."""


class Kind(StrEnum):
    """What became of an answer."""

    CHANGED = "changed"
    APPEARED = "appeared"
    DISAPPEARED = "disappeared"


@dataclass(frozen=True)
class Side:
    """A moment that is compared, and the run at whose end it is, if one was named."""

    moment: datetime
    run: int | None = None


@dataclass(frozen=True)
class Change:
    """An answer that is not the same at both moments.

    Attributes:
        kind: What became of it.
        arguments: The cell's, or the key of the row, as plain JSON.
        before: The value; None where there was none.
        after: The value; None where there is none.
        parts: Where they differ, the largest change first; of one that changed.
        parts_total: How many parts differ; more than `parts` has, perhaps.
    """

    kind: Kind
    arguments: Mapping[str, Any]
    before: Any
    after: Any
    parts: tuple[Part, ...] = ()
    parts_total: int = 0

    @property
    def size(self) -> tuple[bool, float]:
        """For the order: changes by their largest number, then what came and went."""
        return self.kind is Kind.CHANGED, self.parts[0].size if self.parts else -1.0


@dataclass(frozen=True)
class Difference:
    """What changed between two moments.

    Attributes:
        job: The job's name.
        before: The one moment.
        after: The other.
        same: Answers that are the same.
        counts: The others, by what became of them.
        changes: The largest of those.
    """

    job: str
    before: Side
    after: Side
    same: int
    counts: Mapping[Kind, int]
    changes: tuple[Change, ...]

    @property
    def total(self) -> int:
        """How many answers are not the same."""
        return sum(self.counts.values())


def find_sides(
    catalog: Catalog, job: Job, before: str | None, after: str | None, now: datetime
) -> tuple[Side, Side]:
    """The moments that are meant: each a run's number (its end), a date or a moment.

    Without the second it is now; without both, the ends of the last two runs that brought answers.

    Raises:
        ValueInvalid: One is no moment of the past, or they are the wrong way round.
        RunNotFound: The job has no such run, or not two.
    """
    if before is None and after is None:
        done = catalog.runs(job=job.name, status=DONE, limit=LOOKED_AT)
        # A run of rows may also have removed some; one of cells that computed none changed nothing.
        brought = [run for run in done if run.computed or job.rows is not None]
        last = brought if len(brought) > 1 else done
        if len(last) < 2:
            raise RunNotFound(f"of {job.name} before the last one: name two moments")
        return _end_of(last[1]), _end_of(last[0])
    if before is None:
        raise ValueInvalid("the moment to start from is missing", "give a run, or a date")
    first = _side(catalog, job, before, now)
    last_side = Side(now) if after is None else _side(catalog, job, after, now)
    if last_side.moment < first.moment:
        raise ValueInvalid(f"'{before}' is after '{after}'", "give the earlier one first")
    return first, last_side


def find_difference(
    pantry: Pantry, catalog: Catalog, job: Job, sides: tuple[Side, Side], *, limit: int
) -> Difference:
    """What is not the same, the `limit` largest changes first. Asks no R, and writes nothing.

    Memory does not grow with the number of rows.

    Raises:
        NoAnswerThen: Answers of the first moment are kept no longer.
        StoreUnavailable: They cannot be read.
    """
    before, after = sides
    horizon = pantry.horizon(job)
    if horizon is not None and before.moment < horizon:
        raise NoAnswerThen(job.name, before.moment, earliest=horizon)
    counts = dict.fromkeys(Kind, 0)
    with each_change(pantry, catalog, job, before.moment, after.moment) as (tally, changes):

        def counted() -> Iterator[Change]:
            for change in changes:
                counts[change.kind] += 1
                yield change

        largest = nlargest(limit, counted(), key=lambda one: one.size)
    return Difference(job.name, before, after, tally.same, counts, tuple(largest))


@dataclass
class Tally:
    """Answers found to be the same, so far."""

    same: int = 0


@contextmanager
def each_change(
    pantry: Pantry, catalog: Catalog, job: Job, before: datetime, after: datetime
) -> Iterator[tuple[Tally, Iterator[Change]]]:
    """The changes between two moments as they are read, and the count of what is the same."""
    tally = Tally()
    if job.rows is None:
        newest = catalog.last_runs().get(job.name)
        as_now = newest is None or after >= newest.started_at
        seen = cell_changes(pantry.store, job, before, after, grid_is_as_now=as_now)
        pairs = ((one.arguments, one.before, one.after) for one in seen)
        yield tally, _changes(tally, pairs)
        return
    key = rows_of(job).key
    with pantry.row_answers.table(job).past.differences(before, after) as (same, rows):
        tally.same = same
        pairs = (({key: row.key}, row.before, row.after) for row in rows)
        yield tally, _changes(tally, pairs)


def _changes(tally: Tally, pairs: Iterator[tuple[Mapping[str, Any], Any, Any]]) -> Iterator[Change]:
    for arguments, before, after in pairs:
        if before is None:
            yield Change(Kind.APPEARED, arguments, None, after)
        elif after is None:
            yield Change(Kind.DISAPPEARED, arguments, before, None)
        else:
            parts = sorted(parts_of(before, after), key=lambda part: part.size, reverse=True)
            if parts:
                shown = tuple(parts[:PARTS_SHOWN])
                yield Change(Kind.CHANGED, arguments, before, after, shown, len(parts))
            else:
                tally.same += 1


def _side(catalog: Catalog, job: Job, text: str, now: datetime) -> Side:
    if not text.isdecimal():
        return Side(parse_moment(text, job.timezone, now))
    run = catalog.run(int(text))
    if run.job != job.name:
        raise RunNotFound(f"{text} of {job.name}: that is one of {run.job}")
    return _end_of(run)


def _end_of(run: Run) -> Side:
    if run.finished_at is None:
        raise ValueInvalid(f"run {run.id} has not ended", "wait for its end")
    return Side(run.finished_at, run.id)
