"""Firing: from the id of a schedule to a run, or to a note why there is none.

`fire` is what APScheduler calls; it decides and notes quickly. The run itself is handed over
to a thread pool, or in tests carried out at once.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Condition, Event, RLock
from typing import Protocol

from cache.clock import Clock
from jobs.errors import CatalogError, RunInProgress, RunInterrupted, ScheduleNotFound
from jobs.job import Job
from jobs.records import ScheduleRow
from jobs.repository import Catalog
from jobs.schedule_spec import ScheduleSpec
from jobs.status import Cause, RunStatus
from scheduler.listener import run_interrupted, run_raised
from scheduler.policy import Action, Decision, FirePolicy
from scheduler.triggers import next_fire

log = logging.getLogger(__name__)


class RunJob(Protocol):
    """Runs a job to its end, keeping its run row; blocks.

    With `resume`, the run of that number is taken up again instead of a new one started. It
    raises `RunInterrupted` when it cannot go on now but may be taken up again, `RunInProgress`
    when another process runs the job, and anything else when it failed for good.
    """

    def __call__(
        self,
        job: Job,
        cause: Cause,
        *,
        scheduled_for: datetime | None = None,
        resume: int | None = None,
    ) -> object:
        """Runs `job`; what it returns is not looked at."""


@dataclass
class Firing:
    """What a fire has at hand, and which jobs are under way in this process.

    Attributes:
        catalog: The rows of schedules and runs.
        jobs: Gives the jobs by name, as they are defined at that moment.
        run: Runs one.
        owner: The name this process has in run rows.
        policy: When to fire late, and when not at all.
        clock: The clock that the catalog stamps with.
        leading: Whether this process may fire.
        hand_over: Has the work done by another thread.
        stopping: Set when no new run is to start.
        ended: Called when a run here has ended, however it did.
        deciding: Held while a fire is decided and followed.
        waiting: Schedules that fire when the run that goes on has ended. Their rows still show the
            time that came, so after a kill it counts as missed.
    """

    catalog: Catalog
    jobs: Callable[[], Mapping[str, Job]]
    run: RunJob
    owner: str
    policy: FirePolicy
    clock: Clock
    leading: Callable[[], bool]
    hand_over: Callable[[Callable[[], None]], None]
    stopping: Event = field(default_factory=Event)
    ended: Callable[[], None] = lambda: None
    deciding: RLock = field(default_factory=RLock)
    waiting: set[str] = field(default_factory=set)
    _changed: Condition = field(default_factory=Condition)
    _under_way: set[str] = field(default_factory=set)

    def start(
        self, job: Job, cause: Cause, scheduled_for: datetime | None, resume: int | None
    ) -> bool:
        """Has the job run by another thread; False if it is under way here already."""
        with self._changed:
            if job.name in self._under_way or self.stopping.is_set():
                return False
            self._under_way.add(job.name)
        self.hand_over(partial(self._execute, job, cause, scheduled_for, resume))
        return True

    def is_under_way(self, job: str) -> bool:
        """Returns whether the job is run, or about to be, by this process."""
        with self._changed:
            return job in self._under_way

    def is_running(self, job: str) -> bool:
        """Returns whether the job is run, here or by another process."""
        return self.is_under_way(job) or self.catalog.running(job) is not None

    def wait_idle(self, timeout_s: float) -> bool:
        """Blocks until no run is under way here, at most so long; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout_s)

    def _execute(
        self, job: Job, cause: Cause, scheduled_for: datetime | None, resume: int | None
    ) -> None:
        try:
            # A run that waited in the queue until the server stopped is found by the next start.
            if not self.stopping.is_set():
                self.run(job, cause, scheduled_for=scheduled_for, resume=resume)
        except RunInProgress as error:
            log.info("run not started job=%s reason=%s", job.name, error)
        except RunInterrupted as error:
            run_interrupted(self.catalog, self.owner, job.name, error)
        except Exception as error:  # noqa: BLE001 - one bad run must not end the scheduler
            if self.stopping.is_set():  # what it needs is being stopped as well
                run_interrupted(self.catalog, self.owner, job.name, error)
            else:
                run_raised(self.catalog, self.owner, job.name, cause, error)
        finally:
            with self._changed:
                self._under_way.discard(job.name)
                self._changed.notify_all()
            self.ended()
            fire_waiting(self)


def schedule_specs(job: Job) -> dict[str, ScheduleSpec]:
    """Returns the job's schedules by the ids of their rows."""
    return {f"{job.name}#{place}": spec for place, spec in enumerate(job.schedule, start=1)}


def fire(schedule_id: str, firing: Firing) -> Decision:
    """Starts a run if the schedule's time has come and nothing speaks against it.

    Returns:
        What was decided; it is also noted in the schedule's row.
    """
    with firing.deciding:
        found = find_schedule(schedule_id, firing) if firing.leading() else None
        if found is None:
            return Decision(Action.WAIT)
        row, job, spec = found
        now = firing.clock()
        waited = schedule_id in firing.waiting
        firing.waiting.discard(schedule_id)
        decision = firing.policy.decide(
            spec, row.next_fire, now, running=firing.is_running(job.name), waited=waited
        )
        if decision.action not in (Action.WAIT, Action.SKIP) and not row.enabled:
            decision = Decision(Action.SKIP, reason="the schedule is disabled")
        if decision.action is Action.REPLACE:
            decision = _replace_run(decision, job, firing, waited=waited)
        if decision.action is Action.QUEUE:
            firing.waiting.add(schedule_id)
        elif decision.action is not Action.WAIT:
            answered = decision.scheduled_for if spec.missed == "all" else None
            following = next_fire(spec, answered or now)
            if following is not None and following <= now:
                firing.waiting.add(schedule_id)
            follow(decision, row, job, firing, next_fire=following)
        return decision


def fire_waiting(firing: Firing) -> None:
    """Fires the schedules that waited for a run to end, as far as theirs has."""
    with firing.deciding:
        for schedule_id in tuple(firing.waiting):
            if firing.stopping.is_set():
                return
            try:
                fire(schedule_id, firing)
            except CatalogError as error:
                firing.waiting.add(schedule_id)
                log.warning("fire delayed schedule=%s reason=%s", schedule_id, error)


def _replace_run(decision: Decision, job: Job, firing: Firing, *, waited: bool) -> Decision:
    """Cancels the run that goes on; the new one starts when its thread, if it is ours, has ended.

    What the older one has computed is kept and, being fresh, not computed again.
    """
    run = firing.catalog.running(job.name)
    if run is None and not waited:
        return Decision(Action.SKIP, reason="a run of the job was about to begin")
    if run is not None:
        firing.catalog.finish_run(run.id, RunStatus.CANCELLED, error="a newer run was due")
        log.warning("run cancelled run=%d job=%s reason=a newer run was due", run.id, job.name)
    action = Action.QUEUE if firing.is_under_way(job.name) else Action.FIRE
    return replace(decision, action=action)


def follow(
    decision: Decision,
    row: ScheduleRow,
    job: Job,
    firing: Firing,
    *,
    next_fire: datetime | None,
) -> None:
    """Does what was decided about a schedule, and notes it in the schedule's row."""
    if decision.action is Action.SKIP:
        log.warning("fire skipped schedule=%s reason=%s", row.id, decision.reason)
        firing.catalog.mark_skipped(row.id, reason=decision.reason, next_fire=next_fire)
        return
    # The row first: if the process dies between the two, `recovery` finds a fire without a run.
    firing.catalog.mark_fired(row.id, scheduled_for=decision.scheduled_for, next_fire=next_fire)
    log.info(
        "fired schedule=%s cause=%s scheduled_for=%s",
        row.id,
        decision.cause,
        decision.scheduled_for,
    )
    firing.start(job, decision.cause, decision.scheduled_for, None)


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
