"""From what happened to the run rows and the log that tell of it."""

import logging
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.schedulers.base import BaseScheduler

from jobs.errors import CatalogError, JobError
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import Cause, RunStatus

log = logging.getLogger(__name__)


def listen(scheduler: BaseScheduler) -> None:
    """Has APScheduler's own troubles told in our log."""
    scheduler.add_listener(_trouble, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)


def run_raised(catalog: Catalog, owner: str, job: str, cause: Cause, error: Exception) -> None:
    """Notes a run that ended by raising, whether or not it had come to have a row."""
    log.error("run raised job=%s", job, exc_info=error)
    try:
        run = _own_run(catalog, owner, job)
        if run is None:
            version = catalog.version(job)
            digest = version.digest if version else ""
            run = catalog.start_run(job, cause, version=digest, owner=owner)
        catalog.finish_run(run.id, RunStatus.FAILED, error=_told(error))
    except JobError as trouble:
        log.error("run not recorded job=%s reason=%s", job, trouble)  # noqa: TRY400 - see above


def run_interrupted(catalog: Catalog, owner: str, job: str, error: Exception) -> None:
    """Leaves the run's row to be taken up again."""
    log.warning("run interrupted job=%s reason=%s", job, error)
    try:
        run = _own_run(catalog, owner, job)
        if run is not None:
            catalog.interrupt_run(run.id, error=_told(error))
    except CatalogError as trouble:
        log.error("run not recorded job=%s reason=%s", job, trouble)  # noqa: TRY400 - see above


def _own_run(catalog: Catalog, owner: str, job: str) -> Run | None:
    found = catalog.runs(job=job, status=[RunStatus.RUNNING])
    return next((run for run in found if run.owner == owner), None)


def _told(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, JobError) and text else f"{type(error).__name__}: {text}"


def _trouble(event: JobEvent) -> None:
    exception: Any = getattr(event, "exception", None)
    if exception is None:
        log.warning("fire delayed, the one before has not been decided id=%s", event.job_id)
    else:
        log.error("fire failed id=%s reason=%s", event.job_id, exception, exc_info=exception)
