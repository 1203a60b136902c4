"""What a scheduler does for the time when there was none: missed fires, interrupted runs."""

import logging
from datetime import datetime, timedelta

from jobs.owner import is_gone
from jobs.records import Run, ScheduleRow
from jobs.repository import Catalog
from jobs.status import Cause, RunStatus
from scheduler.fire import Firing, fire, follow, schedule_specs
from scheduler.policy import Action, Decision

log = logging.getLogger(__name__)


def resume_interrupted(firing: Firing) -> None:
    """Takes up the runs that nobody works on; those that cannot be are closed."""
    for run in firing.catalog.runs(status=[RunStatus.RUNNING]):
        # Its thread ended, but the catalog could not be told then.
        if run.owner == firing.owner and not firing.is_under_way(run.job):
            firing.catalog.interrupt_run(run.id, error="its end could not be recorded")
    for run in firing.catalog.abandoned_runs():
        job = firing.jobs().get(run.job)
        if job is None:
            error = "interrupted; the job is no longer defined"
            firing.catalog.finish_run(run.id, RunStatus.INTERRUPTED, error=error)
        elif run.attempt >= firing.policy.max_attempts and not run.computed:
            error = f"given up after {run.attempt} attempts; the last: {run.error or 'killed'}"
            firing.catalog.finish_run(run.id, RunStatus.FAILED, error=error)
            log.error("run given up run=%d job=%s attempts=%d", run.id, run.job, run.attempt)
        elif _ripe(run, firing) and firing.start(job, run.cause, run.scheduled_for, run.id):
            log.info("run taken up run=%d job=%s done=%d", run.id, run.job, run.done)


def fire_overdue(firing: Firing, *, slack_s: float = 0.0) -> None:
    """Fires, or skips, every schedule whose time passed more than `slack_s` ago."""
    limit = firing.clock() - timedelta(seconds=slack_s)
    for row in firing.catalog.schedules():
        if row.next_fire is not None and row.next_fire <= limit:
            fire(row.id, firing)


def repeat_unanswered(firing: Firing) -> None:
    """Fires again what was noted as fired just before a process died, with no run to show."""
    now = firing.clock()
    for row in firing.catalog.schedules():
        job = firing.jobs().get(row.job)
        if (
            job is None
            or row.last_fire is None
            or _answered(firing.catalog, row.job, row.last_fire)
        ):
            continue
        if now - row.last_fire <= timedelta(seconds=firing.policy.misfire_grace_s):
            _fire_now(row, Cause.CATCH_UP, firing, row.last_scheduled)


def fire_at_start(schedule_id: str, firing: Firing) -> None:
    """Fires an `at_start` schedule."""
    _fire_now(firing.catalog.schedule(schedule_id), Cause.START, firing, None)


def _fire_now(
    row: ScheduleRow, cause: Cause, firing: Firing, scheduled_for: datetime | None
) -> None:
    with firing.deciding:
        job = firing.jobs().get(row.job)
        if job is None or row.id not in schedule_specs(job) or not row.enabled:
            return
        decision = Decision(Action.FIRE, cause, scheduled_for)
        if firing.is_running(job.name):
            decision = Decision(Action.SKIP, reason="the job was still being run")
        follow(decision, row, job, firing, next_fire=row.next_fire)


def _answered(catalog: Catalog, job: str, fired_at: datetime) -> bool:
    """Returns whether a run began at that fire or was going on then."""
    return any(
        run.started_at >= fired_at or run.finished_at is None or run.finished_at >= fired_at
        for run in catalog.runs(job=job, limit=1)
    )


def _ripe(run: Run, firing: Firing) -> bool:
    """Returns whether to take it up now: at once if its process ended, else after a pause."""
    stopped_itself = run.status is RunStatus.INTERRUPTED and not is_gone(run.owner)
    return not stopped_itself or firing.clock() >= firing.policy.resume_after(run)
