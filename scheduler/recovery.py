"""What a scheduler does for the time when there was none: missed fires, interrupted runs."""

import logging
from datetime import timedelta

from jobs.owner import is_gone
from jobs.records import Run
from jobs.status import Cause, RunStatus
from scheduler.executing import start
from scheduler.fire import find_schedule, fire, follow
from scheduler.firing import Firing
from scheduler.policy import Action, Decision

log = logging.getLogger(__name__)


def resume_interrupted(firing: Firing) -> None:
    """Takes up the runs that nobody works on; those that cannot be are closed."""
    with firing.deciding():
        for run in firing.catalog.runs(status=[RunStatus.RUNNING]):
            # Its thread ended, but the catalog could not be told then.
            if run.owner == firing.owner and not firing.is_under_way(run.job):
                error = "its end could not be recorded"
                firing.catalog.interrupt_run(run.id, error=error, by=run)
        for run in firing.catalog.abandoned_runs():
            _take_up(run, firing)


def _take_up(run: Run, firing: Firing) -> None:
    job = firing.jobs().get(run.job)
    if job is None:
        error = "interrupted; the job is no longer defined"
        firing.catalog.finish_run(run.id, RunStatus.INTERRUPTED, error=error, by=run)
    elif run.attempt >= firing.policy.max_attempts and not run.computed:
        error = f"given up after {run.attempt} attempts; the last: {run.error or 'killed'}"
        firing.catalog.finish_run(run.id, RunStatus.FAILED, error=error, by=run)
        log.error("run given up run=%d job=%s attempts=%d", run.id, run.job, run.attempt)
    elif _ripe(run, firing) and start(job, run, firing):
        log.info("run taken up run=%d job=%s done=%d", run.id, run.job, run.done)


def fire_overdue(firing: Firing, *, job: str | None = None, slack_s: float = 0.0) -> None:
    """Fires, or skips, schedules (of one job) whose time passed more than `slack_s` ago."""
    limit = firing.clock() - timedelta(seconds=slack_s)
    for row in firing.catalog.schedules(job):
        if row.next_fire is not None and row.next_fire <= limit:
            fire(row.id, firing)


def fire_at_start(schedule_id: str, firing: Firing) -> None:
    """Fires an `at_start` schedule."""
    with firing.deciding():
        found = find_schedule(schedule_id, firing)
        if found is None or not found[0].enabled:
            return
        row, job, _ = found
        decision = Decision(Action.FIRE, Cause.START)
        if firing.is_running(job.name):
            decision = Decision(Action.SKIP, reason="the job was still being run")
        follow(decision, row, firing, next_fire=row.next_fire)


def _ripe(run: Run, firing: Firing) -> bool:
    """Returns whether to take it up now: at once if its process ended, else after a pause."""
    stopped_itself = run.status is RunStatus.INTERRUPTED and not is_gone(run.owner)
    return not stopped_itself or firing.clock() >= firing.policy.resume_after(run)
