"""Whether a schedule whose time has come, or has passed, really starts a run; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.records import Run
from jobs.schedule_spec import ScheduleSpec
from jobs.status import Cause
from scheduler.triggers import last_fire

DAY_S = 24 * 3600.0


class Action(StrEnum):
    """What to do about a schedule now."""

    WAIT = "wait"
    """Its time has not come."""
    FIRE = "fire"
    """Start a run."""
    SKIP = "skip"
    """Its time has come, but nothing is to be started; the reason is told."""


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

    However many times passed while nobody fired them, they coalesce into one run; and a job
    that is being run is never started a second time beside itself. Neither can be changed:
    cells that are fresh are not computed again, so further runs would do nothing.

    Attributes:
        misfire_grace_s: How long after its time a missed fire is still made up for.
        on_time_s: Lateness that is still "on time"; beyond it the cause reads `catch_up`.
        max_attempts: How often one interrupted run is taken up before it is given up: a model
            that brings the machine down must not do so for ever.
    """

    misfire_grace_s: float = DAY_S
    on_time_s: float = 60.0
    max_attempts: int = 5

    def decide(
        self, spec: ScheduleSpec, next_fire: datetime | None, now: datetime, *, running: bool
    ) -> Decision:
        """Returns what to do about a schedule that was to fire at `next_fire`."""
        if next_fire is None or next_fire > now:
            return Decision(Action.WAIT)
        # The last of several missed times counts: yesterday's is made up for, however old
        # the first one is.
        late = last_fire(spec, now, since=next_fire) or next_fire
        if now - late > timedelta(seconds=self.misfire_grace_s):
            hours = (now - late).total_seconds() / 3600
            reason = f"missed by {hours:.1f} h, more than the grace of {self._grace_h:g} h"
            return Decision(Action.SKIP, scheduled_for=late, reason=reason)
        on_time = now - next_fire <= timedelta(seconds=self.on_time_s)
        cause = Cause.SCHEDULE if on_time else Cause.CATCH_UP
        if running:
            return Decision(Action.SKIP, cause, late, "the job was still being run")
        return Decision(Action.FIRE, cause, late)

    def resume_after(self, run: Run) -> datetime:
        """Returns when to take up a run again that stopped by itself: ever later, by doubling."""
        return run.heartbeat_at + timedelta(seconds=5 * 2**run.attempt)

    @property
    def _grace_h(self) -> float:
        return self.misfire_grace_s / 3600
