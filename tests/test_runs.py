"""Runs over a grid: what they compute, what they leave alone, how they go on after a kill."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import Kitchen, gain, gain_job

from cache.entry import State
from cache.errors import StoreFull
from engine.call import Priority
from engine.errors import (
    EngineBusy,
    EngineUnavailable,
    EvaluationTimeout,
    RError,
    TemplateFailed,
    WorkerDied,
)
from jobs.call import call_of_cell
from jobs.errors import RunInProgress, RunInterrupted
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.owner import Owner
from jobs.retries import Retries
from jobs.run_record import Progress
from jobs.runs import Runner
from jobs.scope import EVERYTHING
from jobs.status import Cause, Outcome, RunStatus

GONE = str(Owner(Owner.here().host, 4_194_303, "never-1"))
GONE_ENGINE = EngineUnavailable(Path("engine.sock"), "gone")


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, gain_job())
    yield kitchen
    kitchen.close()


def long_job(**changes: Any) -> Job:
    """Forty cells: five first chunks."""
    axes = (Axis("treatment", ("CBT", "FT")), Axis("prewt", tuple(range(70, 90))))
    return gain_job(grid=Grid(axes), **changes)


def states(kitchen: Kitchen, job: Job) -> list[State]:
    found = [kitchen.pantry.resolve(call_of_cell(job, cell), job) for cell in job.cells()]
    return [resolution.state for resolution in found if resolution]


def failing_for(prewt: float, error: Exception) -> Any:
    """An R function with one patient that it cannot deal with."""

    def sometimes(**arguments: Any) -> Any:
        if arguments["prewt"] == prewt:
            raise error
        return gain(**arguments)

    return sometimes


def test_cells_share_a_child_unless_each_is_to_have_its_own(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert [asked["many"] for asked in kitchen.pool.asked] == [6] * 6
    kitchen.pool.asked.clear()
    kitchen.clock.advance(minutes=1)
    kitchen.runner.run(gain_job(isolation="cell"), Cause.MANUAL, scope=EVERYTHING)
    assert [asked["many"] for asked in kitchen.pool.asked] == [1] * 6


def test_run_prepares_every_cell_of_the_grid(kitchen: Kitchen) -> None:
    run = kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert (run.status, run.computed, run.fresh, run.failed) == (RunStatus.SUCCEEDED, 6, 0, 0)
    assert states(kitchen, gain_job()) == [State.FRESH] * 6
    assert len(kitchen.pool.calls) == 6
    assert {asked["priority"] for asked in kitchen.pool.asked} == {Priority.SCHEDULED}


def test_prepared_answers_are_pinned_and_have_their_sessions(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    entries = list(kitchen.pantry.store.summary("weight_gain"))
    assert all(entry.pinned for entry in entries)
    assert {entry.session_key for entry in entries} == set(kitchen.pantry.sessions.keys())
    assert not list((kitchen.pantry.sessions.root / ".staging").iterdir())


def test_fresh_cells_are_left_alone(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    kitchen.clock.advance(minutes=30)
    run = kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    assert (run.status, run.computed, run.fresh) == (RunStatus.SUCCEEDED, 0, 6)
    kitchen.clock.advance(minutes=40)
    assert kitchen.runner.run(gain_job(), Cause.SCHEDULE).computed == 6


def test_forced_run_computes_fresh_cells_too(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(gain_job(), Cause.MANUAL, scope=EVERYTHING).computed == 6


def test_changed_r_code_makes_every_cell_stale(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    kitchen.clock.advance(minutes=1)
    kitchen.pool.versions["scoring"] = "r2"
    kitchen.keeper.publish([gain_job()])
    assert states(kitchen, gain_job()) == [State.STALE] * 6
    assert kitchen.runner.run(gain_job(), Cause.SCHEDULE).computed == 6
    assert states(kitchen, gain_job()) == [State.FRESH] * 6


def test_answer_computed_on_demand_is_not_computed_again(kitchen: Kitchen) -> None:
    job = gain_job()
    kitchen.keeper.publish([job])
    kitchen.pantry.materialise(call_of_cell(job, next(job.cells())), job)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.computed, run.fresh) == (5, 1)


def test_job_without_cells_has_nothing_to_run(kitchen: Kitchen) -> None:
    run = kitchen.runner.run(gain_job(grid=None), Cause.MANUAL)
    assert (run.status, run.cells_total) == (RunStatus.SUCCEEDED, 0)


def test_progress_is_told_step_by_step(kitchen: Kitchen) -> None:
    told: list[Progress] = []
    kitchen.runner.run(long_job(), Cause.MANUAL, progress=told.append)
    assert [step.total for step in told] == [40] * len(told)
    assert told[0].done == 0
    assert told[-1].done == told[-1].computed == 40
    assert len(told) > 2


def test_cells_go_to_r_in_chunks_that_fit_their_duration(kitchen: Kitchen) -> None:
    kitchen.runner.run(long_job(), Cause.MANUAL)
    sizes = [asked["many"] for asked in kitchen.pool.asked]
    assert sizes[:8] == [8] * 8
    assert sizes[-1] > 8  # 10 ms each: more of them make up a second
    assert max(sizes) <= 32


def test_outcome_of_each_cell_is_in_the_catalog(kitchen: Kitchen) -> None:
    kitchen.pool.functions["gain"] = failing_for(80, RError("too thin\n\nIn call:", "too thin"))
    run = kitchen.runner.run(gain_job(), Cause.MANUAL)
    cells = kitchen.catalog.cells("weight_gain", run_id=run.id)
    failed = [cell for cell in cells if cell.outcome is Outcome.FAILED]
    assert [cell.outcome for cell in cells].count(Outcome.COMPUTED) == 4
    assert {cell.error for cell in failed} == {"too thin"}
    assert failed[0].arguments["prewt"] == 80


def test_outcomes_of_cells_that_are_not_in_the_grid_any_more_are_forgotten(
    kitchen: Kitchen,
) -> None:
    kitchen.runner.run(long_job(), Cause.MANUAL)
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert sum(kitchen.catalog.cell_counts("weight_gain").values()) == 6


# Failures of cells


def test_cells_that_fail_leave_the_run_partial(kitchen: Kitchen) -> None:
    kitchen.pool.functions["gain"] = failing_for(80, RError("too thin", "too thin"))
    run = kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert (run.status, run.computed, run.failed) == (RunStatus.PARTIAL, 4, 2)
    assert run.error == "2 of 6 failed; the first: too thin"


def test_run_whose_cells_all_fail_has_failed(kitchen: Kitchen) -> None:
    def broken(**_: Any) -> None:
        raise RError("broken", "broken")

    kitchen.pool.functions["gain"] = broken
    assert kitchen.runner.run(gain_job(), Cause.MANUAL).status is RunStatus.FAILED
    assert list(kitchen.pantry.sessions.keys()) == []


def test_cell_that_fails_keeps_its_last_good_answer(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    kitchen.clock.advance(hours=2)
    kitchen.pool.functions["gain"] = failing_for(80, WorkerDied("q()"))
    kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    assert (
        sorted(state.value for state in states(kitchen, gain_job()))
        == ["fresh"] * 4 + ["stale"] * 2
    )


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(RError("x", "x"), 3), (WorkerDied("q()"), 3), (EvaluationTimeout(90), 1)],
)
def test_errors_and_deaths_are_tried_again_but_not_timeouts(
    kitchen: Kitchen, error: Exception, attempts: int
) -> None:
    kitchen.pool.functions["gain"] = failing_for(80, error)
    kitchen.runner.run(gain_job(retries=Retries(2, wait_s=0)), Cause.MANUAL)
    failed = kitchen.catalog.cells("weight_gain", outcome=[Outcome.FAILED])
    assert [cell.attempts for cell in failed] == [attempts] * 2
    assert len(kitchen.pool.calls) == 4 + 2 * attempts


def test_cell_that_succeeds_at_the_second_attempt_is_computed(kitchen: Kitchen) -> None:
    errors = [RError("connection lost", "connection lost")]

    def flaky(**arguments: Any) -> Any:
        if errors:
            raise errors.pop()
        return gain(**arguments)

    kitchen.pool.functions["gain"] = flaky
    run = kitchen.runner.run(gain_job(retries=Retries(1, wait_s=0)), Cause.MANUAL)
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, 6)
    attempts = [cell.attempts for cell in kitchen.catalog.cells("weight_gain")]
    assert sorted(attempts) == [1, 1, 1, 1, 1, 2]


# Failures of the run


@pytest.mark.parametrize("error", [GONE_ENGINE, EngineBusy(64)])
def test_run_without_an_engine_waits_to_be_taken_up(kitchen: Kitchen, error: Exception) -> None:
    kitchen.pool.functions["gain"] = failing_for(90, error)
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    (run,) = kitchen.catalog.abandoned_runs()
    assert (run.status, run.computed) == (RunStatus.INTERRUPTED, 0)
    # What was computed before the engine went is kept all the same.
    assert states(kitchen, gain_job()).count(State.FRESH) == 4


def test_interrupted_run_goes_on_at_what_is_missing(kitchen: Kitchen) -> None:
    kitchen.pool.functions["gain"] = failing_for(90, GONE_ENGINE)
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    (left,) = kitchen.catalog.abandoned_runs()
    kitchen.pool.functions["gain"] = gain
    kitchen.pool.calls.clear()
    run = kitchen.runner.run(gain_job(), left.cause, resume=left.id)
    assert (run.id, run.status, run.attempt) == (left.id, RunStatus.SUCCEEDED, 2)
    assert (run.computed, run.fresh) == (2, 4)
    assert {arguments["prewt"] for _, arguments in kitchen.pool.calls} == {90}


def test_engine_that_is_away_at_the_start_interrupts_the_run_too(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> str:
        raise GONE_ENGINE

    monkeypatch.setattr(kitchen.pool, "version", away)
    with pytest.raises(RunInterrupted, match="does not answer"):
        kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    assert kitchen.catalog.abandoned_runs()[0].cause is Cause.SCHEDULE


def test_package_that_is_not_there_fails_the_run(kitchen: Kitchen) -> None:
    run = kitchen.runner.run(gain_job(package="nowhere"), Cause.MANUAL)
    assert run.status is RunStatus.FAILED
    assert "no package called 'nowhere'" in (run.error or "")


def test_models_that_cannot_be_loaded_fail_the_run_at_once(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise TemplateFailed("models/gain.R:3: unexpected '}'")

    monkeypatch.setattr(kitchen.pool, "evaluate_many", broken)
    run = kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert (run.status, run.error) == (RunStatus.FAILED, "models/gain.R:3: unexpected '}'")


def test_full_disk_interrupts_the_run_and_leaves_no_session_without_its_answer(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFull(Path("results"))

    monkeypatch.setattr(kitchen.pantry.store, "put_many", full)
    with pytest.raises(RunInterrupted, match="no room left"):
        kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    assert list(kitchen.pantry.sessions.keys()) == []


def test_stopping_server_ends_the_run_after_the_chunk_at_hand(kitchen: Kitchen) -> None:
    def stop(progress: Progress) -> None:
        if progress.done:
            kitchen.stopping.set()

    with pytest.raises(RunInterrupted, match="stopping"):
        kitchen.runner.run(long_job(), Cause.SCHEDULE, progress=stop)
    done = states(kitchen, long_job()).count(State.FRESH)
    assert 8 <= done < 40
    assert kitchen.catalog.abandoned_runs()[0].computed == 8


def test_run_that_somebody_cancelled_stops(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.run_record.SAVE_EACH_S", 0)

    def cancel(progress: Progress) -> None:
        (row,) = kitchen.catalog.runs()
        if progress.done:
            kitchen.catalog.finish_run(row.id, RunStatus.CANCELLED)

    run = kitchen.runner.run(long_job(), Cause.MANUAL, progress=cancel)
    assert run.status is RunStatus.CANCELLED
    assert len(kitchen.pool.calls) < 40


def test_interrupt_at_the_terminal_cancels_the_run(kitchen: Kitchen) -> None:
    def press(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kitchen.runner.run(long_job(), Cause.MANUAL, progress=press)
    assert kitchen.catalog.runs()[0].status is RunStatus.CANCELLED


def test_job_is_run_by_one_at_a_time(kitchen: Kitchen) -> None:
    errors: list[Exception] = []

    def again(_: Progress) -> None:
        try:
            kitchen.runner.run(gain_job(), Cause.MANUAL)
        except RunInProgress as error:
            errors.append(error)

    kitchen.runner.run(gain_job(), Cause.MANUAL, progress=again)
    assert errors


def test_several_workers_compute_each_cell_once(kitchen: Kitchen) -> None:
    together = threading.Barrier(3, timeout=20)

    def meet(**arguments: Any) -> Any:
        if arguments["treatment"] == "CBT" and arguments["prewt"] in (70, 74, 78):
            together.wait()  # the first cells of the first three chunks
        return gain(**arguments)

    kitchen.pool.functions["gain"] = meet
    runner = Runner(kitchen.pantry, kitchen.catalog, kitchen.keeper, workers=3)
    assert runner.run(long_job(), Cause.MANUAL).computed == 40
    assert len(kitchen.pool.calls) == len({str(call) for call in kitchen.pool.calls}) == 40


# Kills

KILLED_IN_THE_MIDDLE = """
import os, sys
from pathlib import Path
from fakes import FakePool
from jobs.status import Cause
from kitchen import Kitchen, gain
from test_runs import long_job

def killed(**arguments):
    if len(pool.calls) > 20:
        os._exit(9)
    return gain(**arguments)

pool = FakePool(gain=killed)
kitchen = Kitchen(Path(sys.argv[1]), long_job(), pool=pool)
kitchen.runner.run(long_job(), Cause.SCHEDULE)
"""


def test_killed_run_goes_on_and_computes_no_kept_cell_twice(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": f"{Path(__file__).parent.parent}:{Path(__file__).parent}"}
    script = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(tmp_path)]
    assert subprocess.run(script, env=environment, check=False, timeout=60).returncode == 9
    kitchen = Kitchen(tmp_path, long_job())
    kept = states(kitchen, long_job()).count(State.FRESH)
    (left,) = kitchen.catalog.abandoned_runs()
    run = kitchen.runner.run(long_job(), left.cause, resume=left.id)
    assert kept == 16  # two chunks; the third was under way
    assert (run.fresh, run.computed) == (kept, 40 - kept) == (kept, len(kitchen.pool.calls))
    kitchen.close()


class Killed(BaseException):
    """What no code of ours catches."""


def test_exception_in_a_chunk_loses_that_chunk_only(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, long_job(), owner=GONE)

    def killed(**arguments: Any) -> Any:
        if len(kitchen.pool.calls) == 12:
            raise Killed
        return gain(**arguments)

    kitchen.pool.functions["gain"] = killed
    with pytest.raises(Killed):
        kitchen.runner.run(long_job(), Cause.SCHEDULE)
    kept = states(kitchen, long_job()).count(State.FRESH)
    assert kept >= 11
    kitchen.pool.functions["gain"] = gain
    kitchen.pool.calls.clear()
    (left,) = kitchen.catalog.abandoned_runs()
    kitchen.runner.run(long_job(), left.cause, resume=left.id)
    assert len(kitchen.pool.calls) == 40 - kept
    kitchen.close()


def test_forced_run_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, gain_job(), owner=GONE, pool=FakePool(gain=gain))
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    kitchen.clock.advance(minutes=1)
    kitchen.pool.functions["gain"] = failing_for(90, GONE_ENGINE)
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(gain_job(), Cause.MANUAL, scope=EVERYTHING)
    kitchen.pool.functions["gain"] = gain
    (left,) = kitchen.catalog.abandoned_runs()
    run = kitchen.runner.run(gain_job(), left.cause, resume=left.id)
    assert (run.computed, run.fresh) == (2, 4)
    kitchen.close()
