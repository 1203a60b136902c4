"""The overview: is everything fresh, what runs, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from jobs.freshness import JobFreshness
from jobs.job import Job
from jobs.live_definitions import LiveDefinitions
from jobs.pantry import Pantry
from jobs.records import FailedCell, Run, ScheduleRow
from jobs.repository import Catalog
from jobs.status import RunStatus

JOBS_AT_ONCE = 50
FAILED_AT_ONCE = 5
OPEN = (RunStatus.RUNNING, RunStatus.QUEUED)


class JobState(StrEnum):
    """How a job stands, the worst first."""

    FAILING = "failing"
    MISSING = "missing"
    STALE = "stale"
    FRESH = "fresh"
    ON_DEMAND = "on demand"


@dataclass(frozen=True)
class JobLine:
    """One job.

    Attributes:
        job: As it is defined now.
        freshness: Of its cells or rows.
        last_run: The newest run, or None.
        next_fire: When its schedules fire next; None without one that names times.
        state: How it stands.
    """

    job: Job
    freshness: JobFreshness
    last_run: Run | None
    next_fire: datetime | None
    state: JobState

    @property
    def kind(self) -> str:
        """What its cells are made of."""
        if self.job.rows is not None:
            return "rows"
        return "cells" if self.job.grid is not None else "on demand"


@dataclass(frozen=True)
class Page:
    """Some of the jobs: those on page `number` of `pages`, of `total` that match."""

    lines: tuple[JobLine, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True)
class Overview:
    """The project at one moment.

    Attributes:
        page: The jobs that are looked at.
        counts: How many jobs there are in each state.
        running: Runs that go on or wait.
        failed: What R said of cells that failed last, newest run first.
        live: What is known of the job files; None before they were read.
    """

    page: Page
    counts: Mapping[JobState, int]
    running: tuple[Run, ...]
    failed: tuple[FailedCell, ...]
    live: LiveDefinitions | None

    @property
    def unwell(self) -> int:
        """How many jobs want to be looked after."""
        wrong = (JobState.FAILING, JobState.MISSING, JobState.STALE)
        return sum(self.counts[state] for state in wrong)


def overview(
    jobs: Iterable[Job],
    pantry: Pantry,
    catalog: Catalog,
    state_folder: Path,
    *,
    search: str = "",
    state: JobState | None = None,
    number: int = 1,
) -> Overview:
    """Looks at jobs; asks no R.

    Args:
        jobs: Those that whoever asks may read.
        pantry: What is stored.
        catalog: What was run.
        state_folder: Where it is written what is live.
        search: Words that name, description, tags or owner have to hold.
        state: Only jobs in this state.
        number: The page, from 1.

    Raises:
        CacheError, CatalogError: What is stored cannot be read.
    """
    last_runs = catalog.last_runs()
    fires = _next_fires(catalog.schedules())
    lines = [_line(job, pantry, last_runs, fires) for job in jobs]
    counts = {one: sum(line.state is one for line in lines) for one in JobState}
    found = [line for line in lines if _matches(line, search, state)]
    order = list(JobState)
    found.sort(key=lambda line: (order.index(line.state), line.job.name))
    pages = max(1, -(-len(found) // JOBS_AT_ONCE))
    number = min(max(1, number), pages)
    shown = found[(number - 1) * JOBS_AT_ONCE : number * JOBS_AT_ONCE]
    return Overview(
        page=Page(tuple(shown), number, pages, len(found)),
        counts=counts,
        running=tuple(catalog.runs(job=[one.job.name for one in lines], status=OPEN, limit=20)),
        failed=tuple(_failed(catalog, [line.last_run for line in lines if line.last_run])),
        live=LiveDefinitions.read(state_folder),
    )


def job_line(job: Job, pantry: Pantry, catalog: Catalog) -> JobLine:
    """Looks at one job."""
    return _line(job, pantry, catalog.last_runs(), _next_fires(catalog.schedules(job.name)))


def _line(
    job: Job, pantry: Pantry, last_runs: Mapping[str, Run], fires: Mapping[str, datetime]
) -> JobLine:
    counts, last = pantry.freshness(job), last_runs.get(job.name)
    return JobLine(job, counts, last, fires.get(job.name), _state(job, counts, last))


def _state(job: Job, counts: JobFreshness, last: Run | None) -> JobState:
    if last is not None and last.status in (RunStatus.FAILED, RunStatus.PARTIAL):
        return JobState.FAILING
    if job.rows is None and job.grid is None:
        return JobState.ON_DEMAND
    if counts.missing or not counts.total:
        return JobState.MISSING
    return JobState.STALE if counts.stale else JobState.FRESH


def _next_fires(rows: Iterable[ScheduleRow]) -> dict[str, datetime]:
    fires: dict[str, datetime] = {}
    for row in rows:
        if row.next_fire is not None:
            fires[row.job] = min(row.next_fire, fires.get(row.job, row.next_fire))
    return fires


def _matches(line: JobLine, search: str, state: JobState | None) -> bool:
    if state is not None and line.state is not state:
        return False
    job = line.job
    text = " ".join((job.name, job.description, job.owner, *job.tags, job.qualified)).lower()
    return all(word in text for word in search.lower().split())


def _failed(catalog: Catalog, last_runs: Iterable[Run]) -> Iterable[FailedCell]:
    """One cell of each job whose last run had failures, the newest first."""
    found = sorted((run for run in last_runs if run.failed), key=lambda run: -run.id)
    for run in found[:FAILED_AT_ONCE]:
        yield from catalog.failed_of_run(run.id, limit=1)
