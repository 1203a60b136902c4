"""From what happened to the run rows and the log that tell of it."""

import logging
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.schedulers.base import BaseScheduler

from jobs.errors import JobError
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import RunStatus

log = logging.getLogger(__name__)


def listen(scheduler: BaseScheduler) -> None:
    """Has APScheduler's own troubles told in our log."""
    scheduler.add_listener(_trouble, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)


def run_raised(catalog: Catalog, owner: str, run: Run, error: Exception) -> None:
    """Notes a run that ended by raising, whether or not it had begun."""
    log.error("run raised run=%d job=%s", run.id, run.job, exc_info=error)
    try:
        now = catalog.run(run.id)
        if now.status is RunStatus.QUEUED or now.owner == owner:
            catalog.finish_run(run.id, RunStatus.FAILED, error=_told(error), by=now)
    except JobError as trouble:
        log.error("run not recorded run=%d reason=%s", run.id, trouble)  # noqa: TRY400 - see above


def run_interrupted(catalog: Catalog, owner: str, run: Run, error: Exception) -> None:
    """Leaves the run's row to be taken up again."""
    log.warning("run interrupted run=%d job=%s reason=%s", run.id, run.job, error)
    try:
        now = catalog.run(run.id)
        if now.owner == owner:
            catalog.interrupt_run(run.id, error=_told(error), by=now)
    except JobError as trouble:
        log.error("run not recorded run=%d reason=%s", run.id, trouble)  # noqa: TRY400 - see above


def _told(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, JobError) and text else f"{type(error).__name__}: {text}"


def _trouble(event: JobEvent) -> None:
    exception: Any = getattr(event, "exception", None)
    if exception is None:
        log.warning("fire delayed, the one before has not been decided id=%s", event.job_id)
    else:
        log.error("fire failed id=%s reason=%s", event.job_id, exception, exc_info=exception)
