"""Firing: from the id of a schedule to a run that waits for its turn, or to a note why none does.

`fire` is what APScheduler calls; it decides and notes quickly. `scheduler.executing` has the runs
carried out.
"""

import logging
from datetime import datetime

from jobs.errors import ScheduleNotFound
from jobs.job import Job
from jobs.records import ScheduleRow
from jobs.schedule_spec import ScheduleSpec
from jobs.status import RunStatus
from scheduler.executing import start_queued
from scheduler.firing import Firing
from scheduler.policy import Action, Decision
from scheduler.triggers import next_fire

log = logging.getLogger(__name__)


def schedule_specs(job: Job) -> dict[str, ScheduleSpec]:
    """Returns the job's schedules by the ids of their rows."""
    return {f"{job.name}#{place}": spec for place, spec in enumerate(job.schedule, start=1)}


def fire(schedule_id: str, firing: Firing) -> Decision:
    """Starts a run if the schedule's time has come and nothing speaks against it.

    Returns:
        What was decided; it is also noted in the schedule's row.
    """
    with firing.deciding():
        found = find_schedule(schedule_id, firing) if firing.leading() else None
        if found is None:
            return Decision(Action.WAIT)
        row, job, spec = found
        now = firing.clock()
        decision = firing.policy.decide(
            spec, row.next_fire, now, running=firing.is_running(job.name)
        )
        if decision.action is Action.WAIT:
            return decision
        if decision.action is not Action.SKIP and not row.enabled:
            decision = Decision(Action.SKIP, reason="the schedule is disabled")
        if decision.action is Action.REPLACE:
            _cancel_older(job, firing)
        answered = decision.scheduled_for if spec.missed == "all" else None
        follow(decision, row, firing, next_fire=next_fire(spec, answered or now))
        return decision


def _cancel_older(job: Job, firing: Firing) -> None:
    """Ends the runs of the job that go on or wait.

    What the older one has computed is kept and, being fresh, not computed again.
    """
    reason = "a newer run was due"
    going_on = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.INTERRUPTED)
    for run in firing.catalog.runs(job=job.name, status=going_on):
        if run.open:
            firing.catalog.cancel_run(run.id, reason)
            log.warning("run cancelled run=%d job=%s reason=%s", run.id, job.name, reason)


def follow(
    decision: Decision, row: ScheduleRow, firing: Firing, *, next_fire: datetime | None
) -> None:
    """Does what was decided about a schedule, and notes it in the schedule's row."""
    if decision.action is Action.SKIP:
        log.warning("fire skipped schedule=%s reason=%s", row.id, decision.reason)
        firing.catalog.mark_skipped(row.id, reason=decision.reason, next_fire=next_fire)
        return
    run = firing.catalog.fire_schedule(
        row.id, decision.cause, scheduled_for=decision.scheduled_for, next_fire=next_fire
    )
    log.info(
        "fired schedule=%s cause=%s scheduled_for=%s run=%d",
        row.id,
        decision.cause,
        decision.scheduled_for,
        run.id,
    )
    start_queued(firing)


def find_schedule(schedule_id: str, firing: Firing) -> tuple[ScheduleRow, Job, ScheduleSpec] | None:
    """Returns row, job and rule; None when the definition has changed under the fire."""
    try:
        row = firing.catalog.schedule(schedule_id)
    except ScheduleNotFound:
        return None
    job = firing.jobs().get(row.job)
    spec = None if job is None else schedule_specs(job).get(schedule_id)
    if job is None or spec is None:
        log.info("schedule no longer defined schedule=%s", schedule_id)
        return None
    return row, job, spec
