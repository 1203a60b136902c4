"""Whether a schedule whose time has come, or has passed, really starts a run; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.records import Run
from jobs.schedule_spec import ScheduleSpec
from jobs.status import Cause
from scheduler.triggers import last_fire, next_fire

DAY_S = 24 * 3600.0


class Action(StrEnum):
    """What to do about a schedule now."""

    WAIT = "wait"
    """Its time has not come, or it is not its turn yet."""
    FIRE = "fire"
    """Start a run."""
    SKIP = "skip"
    """Its time has come, but nothing is to be started; the reason is told."""
    QUEUE = "queue"
    """Start a run as soon as the one that goes on has ended."""
    REPLACE = "replace"
    """End the run that goes on, and start one in its place."""


@dataclass(frozen=True)
class Decision:
    """What to do about a schedule now, for which of its times, and why."""

    action: Action
    cause: Cause = Cause.SCHEDULE
    scheduled_for: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class FirePolicy:
    """Rules for fires that come late or at the wrong moment.

    A job that is being run is never started a second time beside itself. The rest each schedule
    says for itself: what is made up for of the times that passed while nobody fired (`missed`),
    and what happens when its time comes while the job is still being run (`overlap`).

    Attributes:
        misfire_grace_s: How long after its time a missed fire is still made up for.
        on_time_s: Lateness that is still "on time"; beyond it the cause reads `catch_up`.
        max_attempts: How often one interrupted run is taken up, without getting on, before it is
            given up: a model that brings the machine down must not do so for ever.
    """

    misfire_grace_s: float = DAY_S
    on_time_s: float = 60.0
    max_attempts: int = 5

    def decide(
        self,
        spec: ScheduleSpec,
        first: datetime | None,
        now: datetime,
        *,
        running: bool,
    ) -> Decision:
        """Returns what to do about a schedule that was to fire at `first`.

        Args:
            spec: The schedule.
            first: Its first time that has not been answered.
            now: The moment.
            running: Whether the job is being run, or a run of it waits.
        """
        if first is None or first > now:
            return Decision(Action.WAIT)
        due = self._due(spec, first, now)
        late = self._hours(now - due)
        if now - due > timedelta(seconds=self.misfire_grace_s):
            grace = self._hours(timedelta(seconds=self.misfire_grace_s))
            reason = f"missed by {late:.1f} h, more than the grace of {grace:g} h"
            return Decision(Action.SKIP, scheduled_for=due, reason=reason)
        # Of times that are one run, the first says whether anything was missed.
        counts = first if spec.missed == "once" else due
        on_time = now - counts <= timedelta(seconds=self.on_time_s)
        cause = Cause.SCHEDULE if on_time else Cause.CATCH_UP
        if spec.missed == "skip" and cause is Cause.CATCH_UP:
            reason = f"missed by {late:.1f} h, and the schedule makes up for nothing"
            return Decision(Action.SKIP, scheduled_for=due, reason=reason)
        if not running:
            return Decision(Action.FIRE, cause, due)
        following = next_fire(spec, due)
        is_newest = on_time and (following is None or following > now)
        return self._beside_a_run(spec, cause, due, is_newest=is_newest)

    def _beside_a_run(
        self, spec: ScheduleSpec, cause: Cause, due: datetime, *, is_newest: bool
    ) -> Decision:
        if spec.missed == "all" and not is_newest:  # what is made up for comes one after the other
            return Decision(Action.WAIT)
        match spec.overlap:
            case "queue":
                return Decision(Action.QUEUE, cause, due)
            case "cancel":
                return Decision(Action.REPLACE, cause, due)
        return Decision(Action.SKIP, cause, due, "the job was still being run")

    def _due(self, spec: ScheduleSpec, first: datetime, now: datetime) -> datetime:
        """Returns which of the times from `first` to `now` the next run is for.

        Where they are one run, the last: yesterday's is made up for, however old the first is.
        """
        if spec.missed == "all":
            oldest = now - timedelta(seconds=self.misfire_grace_s)
            within = first if first >= oldest else next_fire(spec, oldest)
            if within is not None and within <= now:
                return within
        return last_fire(spec, now, since=first) or first

    def resume_after(self, run: Run) -> datetime:
        """Returns when to take up a run again that stopped by itself: ever later, by doubling.

        One that got on is taken up as soon as it is seen: whatever it met is new.
        """
        if run.computed:
            return run.heartbeat_at
        return run.heartbeat_at + timedelta(seconds=5 * 2**run.attempt)

    @staticmethod
    def _hours(time: timedelta) -> float:
        return time.total_seconds() / 3600
