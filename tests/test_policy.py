"""Late, missed and overlapping fires: what is made up for and what is left out."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.records import Run
from jobs.schedule_spec import ScheduleSpec, cron_schedule, every_schedule
from jobs.status import Cause, RunStatus
from scheduler.policy import Action, Decision, FirePolicy

NIGHTLY = cron_schedule("30 2 * * *", "UTC")
DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def decide(
    now: datetime,
    *,
    spec: ScheduleSpec = NIGHTLY,
    due: datetime | None = DUE,
    running: bool = False,
    grace_s: float = 24 * 3600,
) -> Decision:
    return FirePolicy(misfire_grace_s=grace_s).decide(spec, due, now, running=running)


def test_before_its_time_a_schedule_waits() -> None:
    assert decide(DUE - timedelta(seconds=1)).action is Action.WAIT


def test_schedule_without_times_waits_for_ever() -> None:
    assert decide(DUE, due=None).action is Action.WAIT


@pytest.mark.parametrize("late_s", [0, 0.2, 59])
def test_fire_on_time_is_scheduled(late_s: float) -> None:
    decision = decide(DUE + timedelta(seconds=late_s))
    assert decision == Decision(Action.FIRE, Cause.SCHEDULE, DUE)


def test_fire_missed_while_down_is_caught_up() -> None:
    decision = decide(DUE + timedelta(hours=6))
    assert decision == Decision(Action.FIRE, Cause.CATCH_UP, DUE)


def test_fire_missed_for_longer_than_the_grace_is_left_out() -> None:
    decision = decide(DUE + timedelta(hours=6), grace_s=5 * 3600)
    assert decision.action is Action.SKIP
    assert decision.reason == "missed by 6.0 h, more than the grace of 5 h"


def test_many_missed_fires_coalesce_into_the_last_one() -> None:
    decision = decide(DUE + timedelta(days=9, hours=3))
    assert decision == Decision(Action.FIRE, Cause.CATCH_UP, DUE + timedelta(days=9))


def test_frequent_schedule_missed_for_months_is_decided_at_once() -> None:
    now = DUE + timedelta(days=200, seconds=7)
    decision = decide(now, spec=every_schedule(15, None, "UTC"))
    assert decision == Decision(Action.FIRE, Cause.CATCH_UP, now - timedelta(seconds=7))


def test_rare_schedule_missed_long_ago_is_left_out() -> None:
    monthly = cron_schedule("0 0 1 * *", "UTC")
    due = datetime(2026, 11, 1, tzinfo=UTC)
    assert decide(due + timedelta(days=20), spec=monthly, due=due).action is Action.SKIP


def test_job_still_running_is_not_started_again() -> None:
    decision = decide(DUE, running=True)
    assert decision.action is Action.SKIP
    assert decision.reason == "the job was still being run"


def test_time_that_the_rule_no_longer_has_still_counts() -> None:
    odd = DUE + timedelta(minutes=3)
    assert decide(odd, due=odd).scheduled_for == odd


def test_interrupted_run_is_taken_up_after_ever_longer_pauses() -> None:
    def run(attempt: int) -> Run:
        times = {"scheduled_for": None, "started_at": DUE, "finished_at": None}
        counts = {"cells_total": None, "computed": 0, "fresh": 0, "failed": 0, "attempt": attempt}
        return Run(
            id=1,
            job="gain",
            cause=Cause.MANUAL,
            status=RunStatus.INTERRUPTED,
            version="v1",
            error=None,
            owner="a",
            heartbeat_at=DUE,
            **times,  # type: ignore[arg-type]
            **counts,  # type: ignore[arg-type]
        )

    pauses = [FirePolicy().resume_after(run(attempt)) - DUE for attempt in (1, 2, 3)]
    assert [pause.total_seconds() for pause in pauses] == [10, 20, 40]
