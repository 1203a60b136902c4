"""Runs over the rows of a table, and the answers row by row."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kitchen import WITHIN_S, Kitchen, price, price_job

from cache.entry import State
from engine.call import Priority
from engine.errors import EngineUnavailable, RError, RowCountMismatch
from jobs.argument import ArgumentSpec
from jobs.errors import RowNotFound, RunInterrupted
from jobs.job import Job
from jobs.retries import Retries
from jobs.scope import EVERYTHING
from jobs.status import Cause, Outcome, RunStatus


def write(path: Path, carats: dict[Any, float]) -> None:
    lines = ["id,carat", *(f"{key},{carat}" for key, carat in carats.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ten_rows() -> dict[Any, float]:
    return {number: number / 4 for number in range(1, 11)}


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "diamonds.csv"
    write(path, ten_rows())
    return path


@pytest.fixture
def job(csv: Path) -> Job:
    return price_job(csv)


@pytest.fixture
def kitchen(tmp_path: Path, job: Job) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path / "state", job)
    yield kitchen
    kitchen.close()


def carats_asked(kitchen: Kitchen) -> list[list[float]]:
    return [arguments["newdata"]["carat"] for _, arguments in kitchen.pool.calls]


def failing_with(carat: float, error: Exception) -> Any:
    def sometimes(newdata: dict[str, list[Any]]) -> Any:
        if carat in newdata["carat"]:
            raise error
        return price(newdata)

    return sometimes


def test_r_is_called_once_for_each_batch_and_answers_each_row(kitchen: Kitchen, job: Job) -> None:
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.status, run.cells_total, run.computed) == (RunStatus.SUCCEEDED, 10, 10)
    assert [len(carats) for carats in carats_asked(kitchen)] == [3, 3, 3, 1]
    assert {asked["priority"] for asked in kitchen.pool.asked} == {Priority.SCHEDULED}
    row = kitchen.pantry.row_answer(job, "7")
    assert row.answer is not None
    assert (row.state, row.answer.key, row.answer.values) == (State.FRESH, 7, {"price": 3.5})


def test_folders_that_r_worked_in_are_gone(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    assert list(kitchen.pantry.sessions.root.iterdir()) == [
        kitchen.pantry.sessions.root / ".staging"
    ]
    assert not list((kitchen.pantry.sessions.root / ".staging").iterdir())


def test_declared_defaults_go_to_r_with_every_batch(kitchen: Kitchen, csv: Path) -> None:
    job = price_job(csv, arguments=(ArgumentSpec("level", default=0.9, required=False),), seed=7)
    kitchen.pool.functions["price"] = lambda newdata, level: {
        "price": [level for _ in newdata["carat"]]
    }
    kitchen.runner.run(job, Cause.MANUAL)
    row = kitchen.pantry.row_answer(job, 1)
    assert row.answer is not None
    assert row.answer.values == {"price": 0.9}


def test_only_new_and_changed_rows_go_to_r_again(kitchen: Kitchen, job: Job, csv: Path) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    kitchen.pool.calls.clear()
    write(csv, {**ten_rows(), 4: 100.0, 11: 200.0})
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert carats_asked(kitchen) == [[100.0, 200.0]]
    assert (run.cells_total, run.computed, run.fresh) == (11, 2, 9)


def test_rows_that_left_the_source_leave_the_table(kitchen: Kitchen, job: Job, csv: Path) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    write(csv, {1: 0.25, 2: 0.5})
    kitchen.runner.run(job, Cause.SCHEDULE)
    assert kitchen.pantry.row_answers.table(job).count() == 2
    assert kitchen.pantry.row_answer(job, 7).state is State.MISS


def test_rows_stay_while_some_could_not_be_computed(kitchen: Kitchen, job: Job, csv: Path) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    write(csv, {1: 99.0})
    kitchen.pool.functions["price"] = failing_with(99.0, RError("x", "x"))
    kitchen.runner.run(job, Cause.SCHEDULE)
    assert kitchen.pantry.row_answers.table(job).count() == 10


def test_rows_that_are_not_fresh_are_computed_again(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    kitchen.clock.advance(minutes=70)
    assert kitchen.pantry.row_answer(job, 7).state is State.STALE
    assert kitchen.runner.run(job, Cause.SCHEDULE).computed == 10


def test_rows_of_another_version_are_computed_again(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    kitchen.pool.versions["scoring"] = "r2"
    kitchen.clock.advance(minutes=1)
    kitchen.keeper.publish([job])
    kitchen.clock.advance(minutes=1)
    stale = kitchen.pantry.row_answer(job, 7)
    assert (stale.state, stale.age_s, stale.ttl_s) == (State.STALE, 120.0, -60.0)
    assert kitchen.runner.run(job, Cause.SCHEDULE).computed == 10


def test_forced_run_computes_fresh_rows_too(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    assert kitchen.runner.run(job, Cause.MANUAL, scope=EVERYTHING).computed == 10


def test_keys_that_became_numbers_are_still_known(kitchen: Kitchen, job: Job, csv: Path) -> None:
    write(csv, {"a": 1.0, "2": 0.5})
    kitchen.runner.run(job, Cause.MANUAL)
    write(csv, {2: 0.5})
    assert kitchen.runner.run(job, Cause.SCHEDULE).fresh == 1


def test_table_that_cannot_be_read_fails_the_run(kitchen: Kitchen, job: Job, csv: Path) -> None:
    csv.unlink()
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert run.status is RunStatus.FAILED
    assert "diamonds.csv" in (run.error or "")


# Failures


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(RError("bad carat", "bad carat"), 3), (RowCountMismatch(3, 2), 1)],
)
def test_batch_that_fails_leaves_the_others_and_its_older_answers(
    kitchen: Kitchen, job: Job, csv: Path, error: Exception, attempts: int
) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    kitchen.clock.advance(hours=2)
    kitchen.pool.functions["price"] = failing_with(1.25, error)
    run = kitchen.runner.run(price_job(csv, retries=Retries(2, wait_s=0)), Cause.SCHEDULE)
    assert (run.status, run.computed, run.failed) == (RunStatus.PARTIAL, 7, 3)
    assert kitchen.pantry.row_answer(job, 5).state is State.STALE
    (failed,) = [
        batch for batch in kitchen.catalog.batches("prices") if batch.outcome is Outcome.FAILED
    ]
    assert (failed.start, failed.size, failed.attempts) == (3, 3, attempts)
    assert failed.error == str(error)


def test_answer_that_cannot_be_kept_fails_its_batch(kitchen: Kitchen, job: Job) -> None:
    kitchen.pool.functions["price"] = lambda newdata: {"computed_at": newdata["carat"]}
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert run.status is RunStatus.FAILED
    assert "computed_at" in (run.error or "")


def test_engine_that_goes_away_interrupts_the_run_and_the_next_computes_the_rest(
    kitchen: Kitchen, job: Job
) -> None:
    gone = EngineUnavailable(Path("engine.sock"), "gone")
    kitchen.pool.functions["price"] = failing_with(2.0, gone)
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(job, Cause.SCHEDULE)
    (left,) = kitchen.catalog.abandoned_runs()
    kitchen.pool.functions["price"] = price
    kitchen.pool.calls.clear()
    run = kitchen.runner.run(job, left.cause, resume=left.id)
    assert carats_asked(kitchen)[0] == [1.75, 2.0, 2.25]
    # Whether the last batch was under way when the engine went is left open.
    assert (run.status, run.fresh) in {(RunStatus.SUCCEEDED, 6), (RunStatus.SUCCEEDED, 7)}
    assert sum(map(len, carats_asked(kitchen))) == run.computed == 10 - run.fresh


KILLED_IN_THE_MIDDLE = """
import os, sys
from pathlib import Path
from fakes import FakePool
from jobs.status import Cause
from kitchen import Kitchen, price, price_job

def killed(newdata):
    if len(pool.calls) > 2:
        os._exit(9)
    return price(newdata)

pool = FakePool(price=killed)
job = price_job(Path(sys.argv[2]))
kitchen = Kitchen(Path(sys.argv[1]), job, pool=pool)
kitchen.runner.run(job, Cause.SCHEDULE)
"""


def test_killed_run_goes_on_and_computes_no_kept_row_twice(
    tmp_path: Path, csv: Path, job: Job
) -> None:
    environment = {"PYTHONPATH": f"{Path(__file__).parent.parent}:{Path(__file__).parent}"}
    state = tmp_path / "killed"
    script = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(state), str(csv)]
    assert subprocess.run(script, env=environment, check=False, timeout=60).returncode == 9
    kitchen = Kitchen(state, job)
    (left,) = kitchen.catalog.abandoned_runs()
    run = kitchen.runner.run(job, left.cause, resume=left.id)
    assert (run.status, run.fresh, run.computed) == (RunStatus.SUCCEEDED, 6, 4)
    assert carats_asked(kitchen) == [[1.75, 2.0, 2.25], [2.5]]
    kitchen.close()


# Rows on demand


def test_record_says_at_once_that_a_run_got_on(kitchen: Kitchen, job: Job) -> None:
    seen = []

    def watching(newdata: dict[str, list[Any]]) -> Any:
        seen.append(kitchen.catalog.run(1).computed)
        return price(newdata)

    kitchen.pool.functions["price"] = watching
    kitchen.runner.run(job, Cause.MANUAL)
    assert (seen[0], seen[2]) == (0, 3)  # one batch ahead


def test_new_row_of_the_source_is_computed_when_asked_for(
    kitchen: Kitchen, job: Job, csv: Path
) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    write(csv, {**ten_rows(), 11: 200.0})
    assert kitchen.pantry.row_answer(job, "11").state is State.MISS
    made = kitchen.pantry.begin_row(job, "11").result(WITHIN_S)
    assert made.answer is not None
    assert (made.state, made.computed, made.answer.values) == (State.FRESH, True, {"price": 400})
    assert kitchen.runner.run(job, Cause.SCHEDULE).fresh == 11


def test_row_that_is_nowhere_is_not_found(kitchen: Kitchen, job: Job) -> None:
    with pytest.raises(RowNotFound, match=r"no row with key '12' \(nor has diamonds.csv\)"):
        kitchen.pantry.begin_row(job, "12").result(WITHIN_S)


def test_job_that_refuses_misses_computes_no_row(kitchen: Kitchen, csv: Path) -> None:
    with pytest.raises(RowNotFound, match="by its runs only"):
        kitchen.pantry.begin_row(price_job(csv, on_miss="refuse"), "1")


def test_row_asked_for_by_many_is_computed_once(kitchen: Kitchen, job: Job) -> None:
    asked = [kitchen.pantry.begin_row(job, "3") for _ in range(10)]
    assert {row.result(WITHIN_S).state for row in asked} == {State.FRESH}
    assert len(kitchen.pool.calls) == 1


def test_stale_row_is_refreshed_behind_the_answer(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    kitchen.clock.advance(minutes=70)
    stale = kitchen.pantry.row_answer(job, 7)
    assert kitchen.pantry.refresh_row(stale)
    kitchen.pantry.flights.close()
    fresh = kitchen.pantry.row_answer(job, 7)
    assert (fresh.state, fresh.age_s) == (State.FRESH, 0.0)
    assert kitchen.pool.asked[-1]["priority"] is Priority.REFRESH


def test_rows_found_ask_no_engine(kitchen: Kitchen, job: Job) -> None:
    kitchen.runner.run(job, Cause.MANUAL)
    asked = len(kitchen.pool.calls)
    kitchen.clock.advance(minutes=10)
    row = kitchen.pantry.row_answer(job, "10")
    assert (row.age_s, row.ttl_s) == (600.0, timedelta(minutes=50).total_seconds())
    assert len(kitchen.pool.calls) == asked
