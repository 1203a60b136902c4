"""Jobs that run after others: fired once for what these have newly done.

The catalog is the memory. It holds, for each schedule and job that it follows, the last run that
was answered, and moves on in the transaction that notes the fire and queues its run: a scheduler
that dies before it leaves the fire to the next one, and one that dies after it leaves its run.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta

from jobs.records import Run
from jobs.status import Cause
from scheduler.executing import start_queued
from scheduler.fire import find_schedule
from scheduler.firing import Firing

log = logging.getLogger(__name__)


def fire_followers(firing: Firing) -> None:
    """Fires the `after` schedules all of whose jobs have succeeded since they fired last.

    A job that is being run waits for the end of that. Several runs that it could not answer
    meanwhile are answered by one, as missed times are.
    """
    if firing.stopping.is_set() or not firing.leading():
        return
    with firing.deciding():
        followed = firing.catalog.followed()
        if not followed:
            return
        done = firing.catalog.last_done({job for jobs in followed.values() for job in jobs})
        for schedule_id, answered in followed.items():
            new = {
                job: done[job]
                for job, run_id in answered.items()
                if job in done and done[job].id > run_id
            }
            if len(new) == len(answered):
                _fire(schedule_id, new, firing)


def _fire(schedule_id: str, new: Mapping[str, Run], firing: Firing) -> None:
    found = find_schedule(schedule_id, firing)
    if found is None or firing.is_running(found[1].name):
        return
    row = found[0]
    now = firing.clock()
    ended = max(run.finished_at or now for run in new.values())
    reason = None if row.enabled else "the schedule is disabled"
    if now - ended > timedelta(seconds=firing.policy.misfire_grace_s):
        reason = "what it follows was done longer ago than the grace for missed fires"
    answered = {name: run.id for name, run in new.items()}
    if not firing.catalog.answer_runs(row.id, answered, scheduled_for=ended, skip_reason=reason):
        return
    if reason is not None:
        log.warning("fire skipped schedule=%s reason=%s", row.id, reason)
        return
    log.info("fired schedule=%s cause=%s scheduled_for=%s", row.id, Cause.AFTER, ended)
    start_queued(firing)
