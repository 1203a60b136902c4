"""A plan: what the job files as they are now would do to what is live."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from cache.clock import utcnow
from engine.errors import TemplateFailed
from engine.pool import Pool
from jobs.changes import JobChange, changes
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.project import Project, load_project
from jobs.schedule_spec import ScheduleSpec
from jobs.version_keeper import VersionKeeper
from larder.errors import EngineNotStarted
from larder.inspection import Inspection, ask_r, engine_problem, inspect_project
from larder.private_engine import engine_for
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import open_catalog, open_pantry
from scheduler.errors import TriggerInvalid
from scheduler.triggers import next_fires

FIRES: Final = 5


@dataclass(frozen=True)
class Fires:
    """A schedule and when it fires next, by the clock of its own time zone."""

    spec: ScheduleSpec
    times: tuple[datetime, ...]


@dataclass(frozen=True)
class Plan:
    """What would become of each job; of those that stay, also when they run.

    Attributes:
        name: The project's name.
        now: The moment.
        jobs: The changes, in the order of the files, removed jobs last.
    """

    name: str
    now: datetime
    jobs: tuple[JobChange, ...]

    @property
    def estimate_s(self) -> float | None:
        """R's time for all that would become stale or is new; None if one of them is unknown."""
        known = [one.estimate_s for one in self.jobs if one.estimate_s is not None]
        return sum(known) if len(known) == len(self.jobs) else None


def plan_project(folder: Path, live: Path | None = None) -> Plan | Inspection:
    """The plan for the project in `folder`, or what is wrong with its files.

    Args:
        folder: The project as it would be.
        live: The project that is to become so, where it is another: `folder` is then a copy of it,
            as a branch checked out elsewhere.

    Raises:
        SettingsInvalid: The settings of `live` hold mistakes.
        CacheError, CatalogError: What is stored cannot be read.
        JobError, EngineError: It could not be found out.
    """
    now = load_settings(live) if live is not None else None
    inspection = inspect_project(folder, with_r=False, name=now.project_name if now else "")
    if inspection.errors:
        return inspection
    settings = load_settings(folder)
    if now is not None:
        settings = settings.model_copy(update={"name": now.project_name})
    project = load_project(settings.folder, name=settings.project_name, timezone=settings.timezone)
    make_state_folder(settings.state_folder)
    try:
        with engine_for(settings, current_models=True) as pool:
            found = ask_r(pool, project, settings)
            if any(problem.severity == "error" for problem in found):
                return Inspection(project.jobs, (*inspection.problems, *sorted(found)))
            return _plan(now or settings, project, pool)
    except (EngineNotStarted, TemplateFailed) as error:
        return Inspection(project.jobs, (*inspection.problems, engine_problem(error)))


def fires_of(job: Job, now: datetime) -> list[Fires]:
    """The next fires of each schedule of the job; one that names no times has none."""
    return [Fires(spec, _times(spec, now)) for spec in job.schedule]


def _plan(settings: Settings, project: Project, pool: Pool) -> Plan:
    jobs = JobSet(project.jobs.values())
    with (
        closing(open_catalog(settings)) as catalog,
        closing(open_pantry(settings, pool, jobs)) as pantry,
    ):
        keeper = VersionKeeper(catalog, pool, pantry.versions)
        found = changes(jobs.values(), catalog, pantry, keeper)
    return Plan(project.name, utcnow(), tuple(found))


def _times(spec: ScheduleSpec, now: datetime) -> tuple[datetime, ...]:
    zone = ZoneInfo(spec.timezone)
    try:
        return tuple(fire.astimezone(zone) for fire in next_fires(spec, now, FIRES))
    except TriggerInvalid:
        return ()
