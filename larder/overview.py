"""Overview: each job with its freshness, its last run and its next fire, server or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cache.clock import utcnow
from jobs.freshness import JobFreshness
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.live_definitions import LiveDefinitions
from jobs.owner import is_gone
from jobs.pantry import Pantry
from jobs.problem import Problem
from jobs.project import read_project
from jobs.records import OutboxMessage, Run, ScheduleRow
from jobs.repository import Catalog
from jobs.status import MessageStatus
from larder.current_project import last_good_project
from larder.settings import Settings
from larder.state import SERVER_LOCK, Lock, make_state_folder
from larder.wiring import open_catalog, open_pantry, open_pool
from scheduler.errors import TriggerInvalid
from scheduler.lease import NAME as SCHEDULER_LEASE
from scheduler.triggers import next_fire


@dataclass(frozen=True)
class JobOverview:
    """One job.

    Attributes:
        job: As it is defined now.
        freshness: Of its cells or rows; of a rows job, those that never were computed are missing.
        last_run: The newest run, or None.
        next_fire: When its schedules fire next; None without a schedule that names times.
        skipped: The schedule of which a time was last left out, or None if none was.
    """

    job: Job
    freshness: JobFreshness
    last_run: Run | None
    next_fire: datetime | None
    skipped: ScheduleRow | None

    @property
    def kind(self) -> str:
        """What its cells are made of."""
        if self.job.rows is not None:
            return "rows"
        return "grid" if self.job.grid is not None else "on demand"


@dataclass(frozen=True)
class Overview:
    """A project at one moment.

    Attributes:
        now: The moment.
        name: The project's name.
        server: The process of the server that has the project, or None.
        fires: Whether some process fires the schedules.
        jobs: The jobs; while there are mistakes, the last good ones or those that are right.
        problems: Mistakes in the job files.
        live: What the server says of its definitions, or None where there is no server.
        undelivered: Messages that could not be delivered, so far or at all.
    """

    now: datetime
    name: str
    server: int | None
    fires: bool
    jobs: tuple[JobOverview, ...]
    problems: tuple[Problem, ...]
    live: LiveDefinitions | None
    undelivered: tuple[OutboxMessage, ...] = ()


def overview(settings: Settings) -> Overview:
    """Looks at everything; asks neither server nor R.

    Raises:
        CacheError, CatalogError: What is stored cannot be read.
    """
    make_state_folder(settings.state_folder)
    name, zone = settings.project_name, settings.timezone
    reading = read_project(settings.folder, name=name, timezone=zone)
    last = last_good_project(settings) if reading.problems else None
    jobs = JobSet((last or reading.project).jobs.values())
    catalog = open_catalog(settings)
    pantry = open_pantry(settings, open_pool(settings), jobs)
    now = utcnow()
    try:
        lock = Lock(settings.state_folder, SERVER_LOCK)
        is_served = lock.is_held()
        return Overview(
            now=now,
            name=name,
            server=lock.holder() if is_served else None,
            fires=settings.schedule.enabled and _fires(catalog, now),
            jobs=tuple(_jobs(pantry.jobs.values(), pantry, catalog, now)),
            problems=reading.problems,
            live=LiveDefinitions.read(settings.state_folder) if is_served else None,
            undelivered=_undelivered(catalog),
        )
    finally:
        pantry.close()
        catalog.close()


def _jobs(
    jobs: Iterable[Job], pantry: Pantry, catalog: Catalog, now: datetime
) -> Iterable[JobOverview]:
    last_runs = catalog.last_runs()
    skipped = _last_skipped(catalog)
    for job in jobs:
        last = last_runs.get(job.name)
        freshness = _with_never_computed(job, pantry.freshness(job), last)
        yield JobOverview(job, freshness, last, _next_fire(job, now), skipped.get(job.name))


def _last_skipped(catalog: Catalog) -> dict[str, ScheduleRow]:
    """The schedule of each job whose time was left out last."""
    known = [(row.last_skipped, row) for row in catalog.schedules() if row.last_skipped is not None]
    return {row.job: row for _, row in sorted(known, key=lambda one: one[0])}


def _with_never_computed(job: Job, counts: JobFreshness, last: Run | None) -> JobFreshness:
    """The table of a rows job only has what was computed; its last run knows how many there are."""
    total = (last.cells_total or 0) if last is not None else 0
    if job.rows is None or total <= counts.total:
        return counts
    missing = counts.missing + total - counts.total
    return JobFreshness(total, counts.fresh, counts.stale, missing, counts.oldest)


def _next_fire(job: Job, now: datetime) -> datetime | None:
    fires: list[datetime] = []
    for spec in job.schedule:
        try:
            fire = next_fire(spec, now)
        except TriggerInvalid:
            continue
        if fire is not None:
            fires.append(fire)
    return min(fires, default=None)


def _undelivered(catalog: Catalog) -> tuple[OutboxMessage, ...]:
    waiting = catalog.messages(status=MessageStatus.WAITING)
    given_up = catalog.messages(status=MessageStatus.GIVEN_UP)
    return (*given_up, *(message for message in waiting if message.attempts))


def _fires(catalog: Catalog, now: datetime) -> bool:
    lease = catalog.lease(SCHEDULER_LEASE)
    return (
        lease is not None
        and lease.holder != ""
        and lease.expires_at > now
        and not is_gone(lease.holder)
    )
