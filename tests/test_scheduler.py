"""Scheduled runs: fired, missed, resumed, never twice; with a clock that tests set."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fakes import FakePool, FixedClock
from kitchen import WITHIN_S, Kitchen, gain, gain_job
from serving import wait_until

from cache.clock import utcnow
from cache.freshness import Freshness
from engine.call import Priority
from jobs.blackout import parse_blackout
from jobs.errors import CatalogUnavailable, LeaseLost, RunInProgress, RunInterrupted
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.owner import Owner, _started
from jobs.records import Run
from jobs.repository import Catalog
from jobs.schedule_spec import (
    Missed,
    Overlap,
    ScheduleSpec,
    after_schedule,
    parse_schedule,
    shifted_schedule,
)
from jobs.status import Cause, RunStatus
from scheduler.fire import fire
from scheduler.followers import fire_followers
from scheduler.policy import Action, FirePolicy
from scheduler.service import SchedulerService

HOST = Owner.here().host
NEIGHBOUR = str(Owner(HOST, os.getppid(), _started(os.getppid()) or ""))
DEAD = str(Owner(HOST, 4_194_303, "never-1"))
ELSEWHERE = "other-machine/1:17:never-1"
NIGHTLY = "30 2 * * *"
DAY_S = 86400.0


def job(name: str, *schedules: str, after: Sequence[str] = ()) -> Job:
    specs = tuple(parse_schedule(text) for text in schedules)
    specs += (after_schedule(after, "UTC"),) if after else ()
    return Job(name, "scoring", name, Freshness(3600, 0, 7200), schedule=specs)


class World:
    """One catalog, the jobs defined now, and a run that keeps its row as real ones do."""

    def __init__(self, catalog: Catalog, clock: FixedClock) -> None:
        self.catalog = catalog
        self.clock = clock
        self.jobs: dict[str, Job] = {}
        self.calls: list[tuple[str, Cause, datetime | None, int | None]] = []
        self.body: Callable[[Run], None] = lambda _: None
        self.services: list[SchedulerService] = []

    def define(self, *jobs: Job) -> None:
        self.jobs = {defined.name: defined for defined in jobs}

    def run(
        self,
        job: Job,
        cause: Cause,
        *,
        scheduled_for: datetime | None = None,
        resume: int | None = None,
    ) -> None:
        assert resume is not None
        waited = self.catalog.run(resume).status is RunStatus.QUEUED
        self.calls.append((job.name, cause, scheduled_for, None if waited else resume))
        run = self.catalog.resume_run(resume, version="v1")
        self.body(run)
        self.catalog.finish_run(run.id, RunStatus.SUCCEEDED, by=run)

    def service(
        self,
        owner: str | None = None,
        policy: FirePolicy | None = None,
        lease_s: float = 30.0,
        *,
        fires: bool = True,
    ) -> SchedulerService:
        service = SchedulerService(
            self.catalog,
            lambda: self.jobs,
            self.run,
            clock=self.clock,
            owner=owner,
            fires=fires,
            policy=policy,
            lease_s=lease_s,
            steady=self.clock.steady,
            hand_over=lambda work: work(),
        )
        self.services.append(service)
        return service

    def leader(self, policy: FirePolicy | None = None, lease_s: float = 30.0) -> SchedulerService:
        service = self.service(policy=policy, lease_s=lease_s)
        service.tick()
        assert service.leading
        return service


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = FixedClock("2026-11-23T02:29:50")  # ten seconds before NIGHTLY
    catalog = Catalog.in_file(tmp_path / "catalog.db", clock=clock)
    catalog.migrate()
    world = World(catalog, clock)
    yield world
    for service in world.services:
        service.stop()
    catalog.close()


# Firing


def test_schedule_fires_at_its_time_and_notes_it(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    assert fire("gain#1", service.firing).action is Action.WAIT
    due = world.clock.set("2026-11-23T02:30")
    assert fire("gain#1", service.firing).action is Action.FIRE
    assert world.calls == [("gain", Cause.SCHEDULE, due, None)]
    row = world.catalog.schedule("gain#1")
    assert (row.last_fire, row.last_scheduled) == (due, due)
    assert row.next_fire == due + timedelta(days=1)


def test_second_call_for_the_same_time_does_nothing(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    assert fire("gain#1", service.firing).action is Action.WAIT
    assert len(world.calls) == 1


def test_job_that_is_still_run_is_not_started_twice(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    due = world.clock.set("2026-11-23T02:30")
    assert fire("gain#1", service.firing).action is Action.SKIP
    row = world.catalog.schedule("gain#1")
    assert (row.last_skipped, row.skip_reason) == (due, "the job was still being run")
    assert row.next_fire == due + timedelta(days=1)
    assert world.calls == []


def test_job_in_the_queue_counts_as_running(world: World) -> None:
    world.define(job("gain", "every 5 seconds"))
    service = world.leader()
    waiting: list[Callable[[], None]] = []
    service.firing.hand_over = waiting.append
    world.clock.advance(seconds=5)
    fire("gain#1", service.firing)
    world.clock.advance(seconds=5)
    assert fire("gain#1", service.firing).action is Action.SKIP
    waiting.pop()()
    world.clock.advance(seconds=5)
    assert fire("gain#1", service.firing).action is Action.FIRE


# Times that come while the job is still being run


def overlapping(overlap: Overlap, missed: Missed = "once") -> Job:
    spec = replace(parse_schedule("every 1 hour"), overlap=overlap, missed=missed)
    return replace(job("gain"), schedule=(spec,))


def run_past(world: World, service: SchedulerService, hours: int) -> list[Action]:
    """Fires, and lets the times of so many hours come during that run; what was decided on them."""
    decided: list[Action] = []

    def go_on(_: Run) -> None:
        world.body = lambda _: None
        for _ in range(hours):
            world.clock.advance(hours=1)
            decided.append(fire("gain#1", service.firing).action)

    world.body = go_on
    world.clock.set("2026-11-23T03:00")
    fire("gain#1", service.firing)
    return decided


def test_queued_times_are_one_run_after_the_one_that_goes_on(world: World) -> None:
    world.define(overlapping("queue"))
    assert run_past(world, world.leader(lease_s=DAY_S), 3) == [Action.QUEUE] * 3
    times = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (3, 6)]
    assert world.calls == [("gain", Cause.SCHEDULE, time, None) for time in times]
    row = world.catalog.schedule("gain#1")
    assert row.next_fire == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert row.skip_reason is None


def test_queued_time_follows_a_run_of_another_process(world: World) -> None:
    world.define(overlapping("queue"))
    service = world.leader()
    run = world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    due = world.clock.set("2026-11-23T03:00")
    service.tick()
    waiting = world.catalog.queued_runs()
    assert [(one.cause, one.scheduled_for) for one in waiting] == [(Cause.SCHEDULE, due)]
    world.catalog.finish_run(run.id, RunStatus.SUCCEEDED)
    world.clock.advance(seconds=10)
    service.tick()
    assert world.calls == [("gain", Cause.SCHEDULE, due, None)]


def test_queued_time_outlives_the_process(world: World) -> None:
    world.define(overlapping("queue"))
    service = world.leader()
    run = world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    due = world.clock.set("2026-11-23T03:00")
    service.tick()
    fire("gain#1", service.firing)
    service.stop()
    world.catalog.finish_run(run.id, RunStatus.SUCCEEDED)
    world.clock.advance(minutes=5)
    world.leader()
    assert world.calls == [("gain", Cause.SCHEDULE, due, None)]


def test_older_run_is_cancelled_and_the_new_one_starts_after_it(world: World) -> None:
    world.define(overlapping("cancel"))
    assert run_past(world, world.leader(lease_s=DAY_S), 1) == [Action.REPLACE]
    newer, older = world.catalog.runs(job="gain")
    assert (older.status, older.error) == (RunStatus.CANCELLED, "a newer run was due")
    assert newer.status is RunStatus.SUCCEEDED
    assert newer.scheduled_for == datetime(2026, 11, 23, 4, tzinfo=UTC)


def test_older_run_of_another_process_is_cancelled_and_the_new_one_starts(world: World) -> None:
    world.define(overlapping("cancel"))
    service = world.leader(lease_s=DAY_S)
    older = world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    due = world.clock.set("2026-11-23T03:00")
    assert fire("gain#1", service.firing).action is Action.REPLACE
    assert world.catalog.run(older.id).status is RunStatus.CANCELLED
    assert world.calls == [("gain", Cause.SCHEDULE, due, None)]


def test_run_that_waits_is_replaced_by_the_newer_one(world: World) -> None:
    world.define(overlapping("cancel"))
    service = world.leader(lease_s=DAY_S)
    service.firing.places = 0
    world.clock.set("2026-11-23T03:00")
    fire("gain#1", service.firing)
    world.clock.advance(hours=1)
    fire("gain#1", service.firing)
    newer, older = world.catalog.runs(job="gain")
    assert (newer.status, older.status) == (RunStatus.QUEUED, RunStatus.CANCELLED)
    service.firing.places = 1
    service.tick()
    assert world.calls == [("gain", Cause.SCHEDULE, world.clock(), None)]


def test_disabled_schedule_neither_waits_nor_cancels(world: World) -> None:
    world.define(overlapping("cancel"))
    service = world.leader(lease_s=DAY_S)
    run = world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    world.catalog.enable_schedule("gain#1", enabled=False)
    world.clock.set("2026-11-23T03:00")
    assert fire("gain#1", service.firing).reason == "the schedule is disabled"
    assert world.catalog.run(run.id).status is RunStatus.RUNNING


def test_disabled_schedule_passes_its_times_by(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.catalog.enable_schedule("gain#1", enabled=False)
    world.clock.set("2026-11-23T02:30")
    assert fire("gain#1", service.firing).reason == "the schedule is disabled"
    assert world.calls == []


def test_fire_of_a_schedule_that_is_gone_does_nothing(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.define()
    world.clock.set("2026-11-23T02:30")
    assert fire("gain#1", service.firing).action is Action.WAIT
    assert fire("never#1", service.firing).action is Action.WAIT


# Runs that end badly


def test_run_that_raises_is_recorded_and_the_next_one_starts(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Run) -> None:
        raise ZeroDivisionError("by zero")

    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.body = fail
    world.clock.set("2026-11-23T02:30")
    with caplog.at_level(logging.ERROR):
        fire("gain#1", service.firing)
    (run,) = world.catalog.runs(job="gain")
    assert (run.status, run.error) == (RunStatus.FAILED, "ZeroDivisionError: by zero")
    assert "run raised run=1 job=gain" in caplog.text
    world.body = lambda _: None
    world.clock.set("2026-11-24T02:30")
    service.tick()
    assert world.catalog.last_runs()["gain"].status is RunStatus.SUCCEEDED


def test_run_that_raises_before_it_has_a_row_gets_one(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("no such file")

    service.firing.run = broken
    world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    (run,) = world.catalog.runs(job="gain")
    assert (run.status, run.cause) == (RunStatus.FAILED, Cause.SCHEDULE)
    assert run.error == "ValueError: no such file"


def test_another_process_being_quicker_is_no_failure(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()

    def late(*_: object, **__: object) -> None:
        raise RunInProgress("gain")

    service.firing.run = late
    world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    assert [run.status for run in world.catalog.runs()] == [RunStatus.QUEUED]


def test_run_that_cannot_go_on_now_is_taken_up_after_a_pause(world: World) -> None:
    def no_engine(run: Run) -> None:
        raise RunInterrupted(run.job, "the engine is away")

    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.body = no_engine
    due = world.clock.set("2026-11-23T02:30")
    service.tick()
    fire("gain#1", service.firing)
    (run,) = world.catalog.runs()
    assert run.status is RunStatus.INTERRUPTED
    world.body = lambda _: None
    service.tick()
    assert len(world.calls) == 1
    world.clock.advance(seconds=15)
    service.tick()
    assert world.calls[-1] == ("gain", Cause.SCHEDULE, due, run.id)
    assert world.catalog.run(run.id).status is RunStatus.SUCCEEDED


# Starting again


def test_fire_missed_while_down_runs_once_at_the_next_start(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    world.leader().stop()
    world.clock.set("2026-11-25T09:00")
    world.leader()
    missed = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    assert world.calls == [("gain", Cause.CATCH_UP, missed, None)]
    assert world.catalog.schedule("gain#1").next_fire == missed + timedelta(days=1)


def test_fire_missed_for_too_long_is_skipped_and_says_so(world: World) -> None:
    world.define(job("gain", "0 0 1 * *"))
    world.leader().stop()
    world.clock.set("2026-12-20T00:00")
    world.leader()
    row = world.catalog.schedule("gain#1")
    assert world.calls == []
    assert row.skip_reason == "missed by 456.0 h, more than the grace of 24 h"
    assert row.next_fire == datetime(2027, 1, 1, tzinfo=UTC)


def test_each_missed_time_may_have_a_run_of_its_own(world: World) -> None:
    world.define(overlapping("skip", missed="all"))
    world.leader().stop()
    world.clock.set("2026-11-23T06:10")
    world.leader()
    times = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (3, 4, 5, 6)]
    assert world.calls == [("gain", Cause.CATCH_UP, time, None) for time in times]
    assert world.catalog.schedule("gain#1").next_fire == times[-1] + timedelta(hours=1)


def test_kill_between_missed_times_loses_and_doubles_none(world: World) -> None:
    world.define(overlapping("skip", missed="all"))
    world.leader().stop()
    world.clock.set("2026-11-23T06:10")

    def kill(run: Run) -> None:
        if len(world.calls) == 2:
            world.services[-1].firing.stopping.set()

    world.body = kill
    world.leader().stop()
    assert len(world.calls) == 2
    world.body = lambda _: None
    world.leader()
    assert [call[2] for call in world.calls] == [
        datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (3, 4, 5, 6)
    ]


def test_missed_times_may_be_left_alone(world: World) -> None:
    world.define(overlapping("skip", missed="skip"))
    world.leader().stop()
    world.clock.set("2026-11-23T06:10")
    world.leader()
    assert world.calls == []
    row = world.catalog.schedule("gain#1")
    assert row.skip_reason == "missed by 0.2 h, and the schedule makes up for nothing"
    assert row.next_fire == datetime(2026, 11, 23, 7, tzinfo=UTC)


def test_grace_is_configurable(world: World) -> None:
    world.define(job("gain", "0 0 1 * *"))
    world.leader().stop()
    world.clock.set("2026-12-20T00:00")
    world.leader(FirePolicy(misfire_grace_s=30 * 86400))
    assert [call[1] for call in world.calls] == [Cause.CATCH_UP]


def test_new_schedule_has_missed_nothing(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    world.leader()
    assert world.calls == []


def test_run_killed_in_the_middle_goes_on_as_the_same_run(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    due = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    left = world.catalog.start_run(
        "gain", Cause.SCHEDULE, version="v1", scheduled_for=due, owner=DEAD
    )
    world.leader()
    assert world.calls == [("gain", Cause.SCHEDULE, due, left.id)]
    (run,) = world.catalog.runs()
    assert (run.attempt, run.status) == (2, RunStatus.SUCCEEDED)


def test_run_of_a_silent_process_elsewhere_is_taken_up_later(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    left = world.catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=ELSEWHERE)
    service = world.leader()
    assert world.calls == []
    for _ in range(4):
        world.clock.advance(seconds=10)
        service.tick()
    assert world.calls[0][3] == left.id


def test_run_of_a_live_process_is_left_alone(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    world.catalog.start_run("gain", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    service = world.leader()
    world.clock.advance(hours=9)
    service.tick()
    assert world.calls == []
    assert world.catalog.running("gain") is not None


def test_run_whose_end_could_not_be_recorded_does_not_block_the_job(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    left = world.catalog.start_run("gain", Cause.SCHEDULE, version="v1")  # by a thread that is gone
    service.tick()
    assert world.catalog.run(left.id).status is RunStatus.INTERRUPTED
    world.clock.advance(seconds=12)
    service.tick()
    assert world.calls[0][3] == left.id


def test_run_that_always_brings_the_process_down_is_given_up(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    run = world.catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=DEAD)
    for _ in range(4):
        run = world.catalog.resume_run(run.id, owner=DEAD)
    world.leader()
    closed = world.catalog.run(run.id)
    assert world.calls == []
    assert closed.status is RunStatus.FAILED
    assert closed.error == "given up after 5 attempts; the last: killed"


def test_run_that_gets_on_each_time_is_taken_up_however_often(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    run = world.catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=DEAD)
    for _ in range(10):
        world.catalog.update_run(run.id, computed=1)
        run = world.catalog.resume_run(run.id, owner=DEAD)
    assert run.attempt == 2
    world.leader()
    assert [call[3] for call in world.calls] == [run.id]


def test_interrupted_run_of_a_removed_job_is_closed(world: World) -> None:
    left = world.catalog.start_run("gone", Cause.SCHEDULE, version="v1", owner=DEAD)
    world.leader()
    closed = world.catalog.run(left.id)
    assert (closed.status, closed.open) == (RunStatus.INTERRUPTED, False)


def test_run_that_waited_when_its_process_died_is_begun_by_the_next(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    service.firing.hand_over = lambda _: None  # killed with the run still in the queue
    due = world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    service.stop()
    world.clock.advance(minutes=5)
    world.leader()
    assert world.calls == [("gain", Cause.SCHEDULE, due, None)]


def test_fire_that_had_its_run_is_not_repeated(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    service.stop()
    world.clock.advance(minutes=5)
    world.leader()
    assert len(world.calls) == 1


def test_at_start_fires_once_per_start(world: World) -> None:
    world.define(job("gain", "at_start"))
    service = world.leader()
    service.tick()
    service.refresh()
    assert world.calls == [("gain", Cause.START, None, None)]
    service.stop()
    world.leader()
    assert len(world.calls) == 2


def test_restart_neither_doubles_nor_moves_a_fire_with_jitter(world: World) -> None:
    nightly = parse_schedule("@hourly")
    late = shifted_schedule(nightly, blackout=(), jitter_s=1800, job="gain")
    world.define(replace(job("gain"), schedule=(late,)))
    world.leader().stop()
    for _ in range(48 * 4):
        world.clock.advance(minutes=15)
        service = world.leader()
        service.tick()
        service.stop()
    hours = [due.replace(minute=0, second=0) for _, _, due, _ in world.calls if due]
    assert len(hours) == len(world.calls) == 48
    assert len(set(hours)) == 48


def test_manual_schedule_never_fires(world: World) -> None:
    world.define(job("gain", "manual"))
    world.leader()
    assert world.catalog.schedule("gain#1").next_fire is None
    assert world.calls == []


# After other jobs


def ended(world: World, job: str, status: RunStatus = RunStatus.SUCCEEDED) -> Run:
    """A run of a job by another process, such as `larder run`."""
    run = world.catalog.start_run(job, Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    return world.catalog.finish_run(run.id, status)


def runs_of(world: World, job: str) -> list[Cause]:
    return [run.cause for run in reversed(world.catalog.runs(job=job))]


def test_job_runs_after_the_one_it_follows(world: World) -> None:
    world.define(job("gain", NIGHTLY), job("report", after=["gain"]), job("mail", after=["report"]))
    service = world.leader()
    due = world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    assert world.calls == [
        ("gain", Cause.SCHEDULE, due, None),
        ("report", Cause.AFTER, due, None),
        ("mail", Cause.AFTER, due, None),
    ]
    row = world.catalog.schedule("report#1")
    assert (row.last_fire, row.last_scheduled, row.next_fire) == (due, due, None)
    service.tick()
    assert len(world.calls) == 3


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        (RunStatus.SUCCEEDED, 1),
        (RunStatus.PARTIAL, 1),
        (RunStatus.FAILED, 0),
        (RunStatus.CANCELLED, 0),
        (RunStatus.INTERRUPTED, 0),
    ],
)
def test_job_follows_runs_that_brought_answers(world: World, status: RunStatus, runs: int) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    service = world.leader()
    ended(world, "gain", status)
    service.tick()
    service.tick()
    assert runs_of(world, "report") == [Cause.AFTER] * runs


def test_every_run_of_the_followed_job_is_answered_once(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    service = world.leader()
    for _ in range(3):
        ended(world, "gain")
        service.tick()
        service.tick()
    assert runs_of(world, "report") == [Cause.AFTER] * 3


def test_runs_from_before_the_job_followed_are_not_answered(world: World) -> None:
    ended(world, "gain")
    world.define(job("gain"), job("report", after=["gain"]))
    service = world.leader()
    service.tick()
    assert world.calls == []


def test_job_that_follows_several_waits_for_all_of_them(world: World) -> None:
    world.define(job("gain"), job("price"), job("report", after=["gain", "price"]))
    service = world.leader()
    ended(world, "gain")
    ended(world, "gain")
    service.tick()
    assert world.calls == []
    ended(world, "price")
    service.tick()
    ended(world, "price")
    service.tick()
    assert runs_of(world, "report") == [Cause.AFTER]


def test_job_that_is_being_run_follows_when_that_has_ended(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    service = world.leader()
    busy = world.catalog.start_run("report", Cause.MANUAL, version="v1", owner=NEIGHBOUR)
    ended(world, "gain")
    ended(world, "gain")
    service.tick()
    assert world.calls == []
    world.catalog.finish_run(busy.id, RunStatus.SUCCEEDED)
    service.tick()
    assert runs_of(world, "report") == [Cause.MANUAL, Cause.AFTER]


def test_next_scheduler_fires_what_the_dead_one_had_not(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    dead = world.leader()
    dead.stop()  # before it saw that the run has ended
    run = ended(world, "gain")
    world.clock.advance(minutes=5)
    world.leader().tick()
    assert world.calls == [("report", Cause.AFTER, run.finished_at, None)]


def test_run_after_a_job_that_waited_when_its_process_died_is_begun_once(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    dead = world.leader()
    dead.firing.hand_over = lambda _: None  # killed between the fire and its run
    run = ended(world, "gain")
    dead.tick()
    dead.stop()
    world.clock.advance(minutes=5)
    for _ in range(2):
        service = world.leader()
        service.tick()
        service.stop()
    assert world.calls == [("report", Cause.AFTER, run.finished_at, None)]


def test_two_schedulers_that_both_think_they_lead_answer_a_run_once(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    first, second = world.leader(), world.service(owner=ELSEWHERE)
    second.firing.lease = lambda: world.catalog.lease("scheduler")
    read = world.catalog.followed()
    ended(world, "gain")
    first.tick()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.catalog, "followed", lambda: read)  # it looked before the first did
        fire_followers(second.firing)
    assert runs_of(world, "report") == [Cause.AFTER]


def test_disabled_schedule_lets_the_runs_it_follows_pass(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    service = world.leader()
    world.catalog.enable_schedule("report#1", enabled=False)
    ended(world, "gain")
    service.tick()
    assert world.catalog.schedule("report#1").skip_reason == "the schedule is disabled"
    world.catalog.enable_schedule("report#1", enabled=True)
    service.tick()
    assert world.calls == []


def test_run_that_was_followed_too_long_ago_is_skipped(world: World) -> None:
    world.define(job("gain"), job("report", after=["gain"]))
    world.leader().stop()
    ended(world, "gain")
    world.clock.advance(hours=30)
    world.leader().tick()
    assert world.calls == []
    assert "longer ago than the grace" in (world.catalog.schedule("report#1").skip_reason or "")


# Changed definitions


def test_changed_rule_gets_a_new_next_fire_and_keeps_its_history(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.clock.set("2026-11-23T02:30")
    fire("gain#1", service.firing)
    service.tick()
    world.define(job("gain", "0 6 * * *"))
    service.refresh()
    row = world.catalog.schedule("gain#1")
    assert row.next_fire == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    assert row.last_fire == datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def test_changed_blackout_gets_a_new_next_fire(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    windows = (parse_blackout("00:00-06:00"),)
    spec = shifted_schedule(parse_schedule(NIGHTLY), blackout=windows, jitter_s=0, job="gain")
    world.define(replace(job("gain"), schedule=(spec,)))
    service.refresh()
    row = world.catalog.schedule("gain#1")
    assert row.next_fire == datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    assert row.text == "30 2 * * *, not 00:00-06:00"


def test_new_job_is_scheduled_and_removed_one_is_forgotten(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.define(job("churn", "0 6 * * *", "at_start"))
    service.refresh()
    assert [row.id for row in world.catalog.schedules()] == ["churn#1", "churn#2"]
    assert world.calls == [("churn", Cause.START, None, None)]


def test_rule_that_cannot_be_followed_harms_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    bad = ScheduleSpec("cron", "99 * * * *")
    world.define(replace(job("bad"), schedule=(bad,)), job("gain", NIGHTLY))
    world.leader()
    assert "schedule cannot be followed schedule=bad#1" in caplog.text
    assert world.catalog.schedule("bad#1").next_fire is None
    assert world.catalog.schedule("gain#1").next_fire is not None


# The lease


def test_only_one_scheduler_fires(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    first = world.leader()
    second = world.service(owner=ELSEWHERE)
    second.tick()
    world.clock.advance(seconds=20)
    first.tick()
    assert not second.leading
    assert fire("gain#1", second.firing).action is Action.WAIT


def test_second_scheduler_takes_over_when_the_first_falls_silent(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    first = world.leader()
    second = world.service(owner=ELSEWHERE)
    second.tick()
    world.clock.set("2026-11-23T02:30:30")  # the first one sleeps through its time
    second.tick()
    assert [call[1] for call in world.calls] == [Cause.SCHEDULE]
    assert fire("gain#1", first.firing).action is Action.WAIT
    first.tick()
    assert not first.leading


def test_leader_that_was_stopped_in_the_middle_of_a_fire_writes_nothing(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    first, second = world.leader(), world.service(owner=ELSEWHERE)
    held = world.catalog.lease("scheduler")
    second.tick()
    world.clock.advance(seconds=31)
    second.tick()
    assert second.leading
    assert len(world.calls) == 1
    first.firing.lease = lambda: held  # it looked before it was stopped
    world.clock.set("2026-11-24T02:30")
    with pytest.raises(LeaseLost):
        fire("gain#1", first.firing)
    assert (len(world.calls), world.catalog.queued_runs()) == (1, [])


def test_lease_of_a_process_out_of_sight_is_taken_whatever_its_clock_says(world: World) -> None:
    world.catalog.take_lease("scheduler", ELSEWHERE, lasts_s=3600, seen=None)
    service = world.service(lease_s=8)
    service.tick()
    world.clock.advance(seconds=7)
    service.tick()
    assert not service.leading
    world.clock.advance(seconds=1)
    service.tick()
    assert service.leading


def test_lease_that_is_renewed_is_not_taken_by_who_waits(world: World) -> None:
    lease = world.catalog.take_lease("scheduler", ELSEWHERE, lasts_s=8, seen=None)
    service = world.service(lease_s=8)
    for _ in range(5):
        service.tick()
        world.clock.advance(seconds=6)
        assert lease is not None
        lease = world.catalog.renew_lease(lease, lasts_s=8)
    assert not service.leading


def test_runs_that_wait_are_begun_by_priority_and_as_they_came(world: World) -> None:
    world.define(job("a"), job("b"), replace(job("c"), priority=Priority.SCHEDULED_HIGH))
    service = world.leader()
    service.firing.places = 0
    for name in ("b", "a", "c"):
        world.catalog.queue_run(name, Cause.MANUAL)
    service.tick()
    assert world.calls == []
    service.firing.places = 1
    service.tick()
    assert [call[0] for call in world.calls] == ["c", "b", "a"]


def test_runs_that_are_asked_for_are_begun_where_schedules_do_not_fire(world: World) -> None:
    world.define(job("gain", "every 5 seconds", "at_start"))
    service = world.service(fires=False)
    service.tick()
    world.catalog.queue_run("gain", Cause.MANUAL)
    world.clock.advance(seconds=6)
    service.tick()
    assert world.calls == [("gain", Cause.MANUAL, None, None)]


def test_run_that_waits_for_a_removed_job_is_cancelled(world: World) -> None:
    waiting = world.catalog.queue_run("gone", Cause.MANUAL)
    world.leader()
    closed = world.catalog.run(waiting.id)
    assert (closed.status, closed.error) == (RunStatus.CANCELLED, "the job is no longer defined")


def test_scheduler_that_slept_takes_its_lease_again_and_catches_up(world: World) -> None:
    world.define(job("gain", NIGHTLY))
    service = world.leader()
    world.clock.set("2026-11-23T07:00")  # the machine was suspended
    assert fire("gain#1", service.firing).action is Action.WAIT
    service.tick()
    assert [call[1] for call in world.calls] == [Cause.CATCH_UP]


def test_lease_of_a_killed_process_is_free_at_once(world: World) -> None:
    world.catalog.take_lease("scheduler", DEAD, lasts_s=30, seen=None)
    world.leader()


def test_stopped_scheduler_gives_its_lease_and_its_runs_back(world: World) -> None:
    world.define(job("gain", "manual"))
    service = world.leader()
    run = world.catalog.start_run("gain", Cause.SCHEDULE, version="v1")
    service.stop()
    lease = world.catalog.lease("scheduler")
    assert lease is not None
    assert lease.holder == ""
    assert world.catalog.run(run.id).status is RunStatus.INTERRUPTED
    world.clock.advance(seconds=10)
    world.leader()
    assert [call[3] for call in world.calls] == [run.id]


def test_start_that_fails_half_way_is_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        raise CatalogUnavailable("busy")

    world.define(job("gain", NIGHTLY))
    service = world.service()
    with monkeypatch.context() as patched:
        patched.setattr(world.catalog, "mirror_schedules", unavailable)
        service.tick()
    assert not service.leading
    service.tick()
    assert world.catalog.schedule("gain#1").next_fire is not None


def test_catalog_that_does_not_answer_is_survived(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(*_: object, **__: object) -> bool:
        raise CatalogUnavailable("disk full")

    world.define(job("gain", NIGHTLY))
    service = world.leader()
    with monkeypatch.context() as patched:
        patched.setattr(world.catalog, "renew_lease", unavailable)
        service.tick()
    assert "disk full" in caplog.text
    service.tick()
    assert service.leading


# The moving part itself


def test_real_scheduler_fires_in_its_own_threads(tmp_path: Path) -> None:
    catalog = Catalog.in_file(tmp_path / "catalog.db")
    catalog.migrate()
    ran = Event()
    seen: list[tuple[str, Cause]] = []

    def run(job: Job, cause: Cause, *, resume: int | None = None, **_: object) -> None:
        seen.append((job.name, cause))
        catalog.finish_run(resume or 0, RunStatus.SUCCEEDED)
        if len(seen) == 3:
            ran.set()

    jobs = {"gain": job("gain", "every 1 second"), "churn": job("churn", "at_start")}
    service = SchedulerService(catalog, lambda: jobs, run)
    began = utcnow()
    service.start()
    try:
        assert ran.wait(20)
    finally:
        service.stop(grace_s=5)
    assert ("churn", Cause.START) in seen
    assert seen.count(("gain", Cause.SCHEDULE)) >= 2
    last = catalog.schedule("gain#1").last_fire
    assert last is not None
    assert last >= began
    catalog.close()


def test_real_run_ends_for_a_newer_one_that_computes_only_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.run_record.SAVE_EACH_S", 0)
    began, may_go_on = Event(), Event()

    def slow(**arguments: Any) -> Any:
        began.set()
        assert may_go_on.wait(WITHIN_S)
        return gain(**arguments)

    forty = Grid((Axis("treatment", ("CBT", "FT")), Axis("prewt", tuple(range(70, 90)))))
    job = gain_job(grid=forty, schedule=overlapping("cancel").schedule)
    kitchen = Kitchen(tmp_path, job, pool=FakePool(gain=slow))
    service = SchedulerService(
        kitchen.catalog,
        lambda: {job.name: job},
        kitchen.runner.run,
        clock=kitchen.clock,
        lease_s=DAY_S,
        steady=kitchen.clock.steady,
        hand_over=lambda work: Thread(target=work).start(),
    )
    service.tick()
    kitchen.clock.advance(hours=1)
    assert fire("weight_gain#1", service.firing).action is Action.FIRE
    assert began.wait(WITHIN_S)
    kitchen.clock.advance(hours=1)
    assert fire("weight_gain#1", service.firing).action is Action.REPLACE
    may_go_on.set()
    wait_until(lambda: kitchen.catalog.runs()[0].status is RunStatus.SUCCEEDED)
    assert service.firing.wait_idle(WITHIN_S)
    service.stop()
    newer, older = kitchen.catalog.runs()
    assert older.status is RunStatus.CANCELLED
    assert newer.computed + newer.fresh == 40
    assert newer.fresh >= 8
    assert len(kitchen.pool.calls) == 40
    kitchen.close()
