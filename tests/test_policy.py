"""Late, missed and overlapping fires: what is made up for and what is left out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.records import Run
from jobs.schedule_spec import Overlap, ScheduleSpec, cron_schedule, every_schedule
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
    policy = FirePolicy(misfire_grace_s=grace_s)
    return policy.decide(spec, due, now, running=running)


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


HOURLY = cron_schedule("30 * * * *", "UTC")


def test_all_missed_times_are_made_up_for_one_by_one() -> None:
    spec = replace(HOURLY, missed="all")
    now = DUE + timedelta(hours=3, minutes=10)
    assert decide(now, spec=spec) == Decision(Action.FIRE, Cause.CATCH_UP, DUE)
    later = DUE + timedelta(hours=3)
    assert decide(now, spec=spec, due=later) == Decision(Action.FIRE, Cause.CATCH_UP, later)


def test_all_missed_times_are_those_within_the_grace() -> None:
    spec = replace(HOURLY, missed="all")
    now = DUE + timedelta(days=9, minutes=10)
    first = DUE + timedelta(days=8, hours=1)
    assert decide(now, spec=spec).scheduled_for == first
    assert decide(now, spec=spec, grace_s=300).action is Action.SKIP


@pytest.mark.parametrize("overlap", ["skip", "queue", "cancel"])
def test_what_is_made_up_for_waits_for_the_run_before(overlap: Overlap) -> None:
    spec = replace(HOURLY, missed="all", overlap=overlap)
    assert decide(DUE + timedelta(hours=3), spec=spec, running=True).action is Action.WAIT


def test_schedule_that_skips_what_it_missed_says_so() -> None:
    decision = decide(DUE + timedelta(hours=6), spec=replace(NIGHTLY, missed="skip"))
    assert decision.action is Action.SKIP
    assert decision.reason == "missed by 6.0 h, and the schedule makes up for nothing"


def test_schedule_that_skips_what_it_missed_still_fires_on_time() -> None:
    due = DUE + timedelta(days=2)
    decision = decide(due + timedelta(seconds=5), spec=replace(NIGHTLY, missed="skip"))
    assert decision == Decision(Action.FIRE, Cause.SCHEDULE, due)


def test_time_behind_which_another_has_passed_waits_for_its_turn_however_late_it_is() -> None:
    spec = ScheduleSpec("every", "every 4 seconds", every_s=4.0, missed="all")
    now = DUE + timedelta(seconds=9)
    assert decide(now, spec=spec, running=True).action is Action.WAIT
    assert decide(now, due=DUE + timedelta(seconds=8), spec=spec, running=True) == Decision(
        *(Action.SKIP, Cause.SCHEDULE, DUE + timedelta(seconds=8)), "the job was still being run"
    )


@pytest.mark.parametrize(("overlap", "action"), [("queue", "queue"), ("cancel", "replace")])
def test_time_that_comes_during_a_run_waits_or_ends_it(overlap: Overlap, action: str) -> None:
    decision = decide(DUE, spec=replace(NIGHTLY, overlap=overlap), running=True)
    assert decision == Decision(Action(action), Cause.SCHEDULE, DUE)


def test_time_that_the_rule_no_longer_has_still_counts() -> None:
    odd = DUE + timedelta(minutes=3)
    assert decide(odd, due=odd).scheduled_for == odd


def test_interrupted_run_is_taken_up_after_ever_longer_pauses() -> None:
    def run(attempt: int, computed: int = 0) -> Run:
        times = {"scheduled_for": None, "started_at": DUE, "finished_at": None}
        counts = {"cells_total": None, "computed": computed, "fresh": 0, "failed": 0}
        return Run(
            id=1,
            job="gain",
            cause=Cause.MANUAL,
            status=RunStatus.INTERRUPTED,
            version="v1",
            error=None,
            owner="a",
            heartbeat_at=DUE,
            attempt=attempt,
            **times,  # type: ignore[arg-type]
            **counts,  # type: ignore[arg-type]
        )

    pauses = [FirePolicy().resume_after(run(attempt)) - DUE for attempt in (1, 2, 3)]
    assert [pause.total_seconds() for pause in pauses] == [10, 20, 40]
    assert FirePolicy().resume_after(run(3, computed=1)) == DUE  # it got on: no pause
