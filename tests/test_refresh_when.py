"""Runs of jobs that name their input: what did not change is skipped, and said to be."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from kitchen import HOUR_S, Kitchen, gain, gain_job

from cache.entry import Entry, State
from cache.freshness import Freshness
from engine.errors import EngineUnavailable, RError
from jobs.call import call_of_cell
from jobs.check import check_code
from jobs.errors import RunInterrupted
from jobs.input_spec import InputSpec
from jobs.job import Job
from jobs.scope import EVERYTHING
from jobs.status import Cause, Outcome, RunStatus


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    path = tmp_path / "visits.csv"
    path.write_text("id\n1\n")
    return path


@pytest.fixture
def job(visits: Path) -> Job:
    return gain_job(input=InputSpec("file", visits.name, visits.parent))


@pytest.fixture
def kitchen(tmp_path: Path, job: Job) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path / "state", job)
    kitchen.runner.run(job, Cause.SCHEDULE)
    kitchen.pool.calls.clear()
    yield kitchen
    kitchen.close()


def entries(kitchen: Kitchen, job: Job) -> list[Entry]:
    found = [kitchen.pantry.resolve(call_of_cell(job, cell), job) for cell in job.cells()]
    return [one.entry for one in found if one and one.entry and one.state is State.FRESH]


def test_cells_whose_input_is_unchanged_are_skipped_and_fresh_anew(
    kitchen: Kitchen, job: Job
) -> None:
    before = entries(kitchen, job)
    kitchen.clock.advance(hours=2)
    assert entries(kitchen, job) == []
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.status, run.computed, run.fresh, run.skipped) == (RunStatus.SUCCEEDED, 0, 0, 6)
    assert (run.cells_total, run.done) == (6, 6)
    assert kitchen.pool.calls == []
    after = entries(kitchen, job)
    assert [one.fresh_until for one in after] == [kitchen.clock.advance(seconds=HOUR_S)] * 6
    kept = ("cache_key", "computed_at", "session_key", "bodies", "version", "extra", "pinned")
    assert all(
        getattr(a, name) == getattr(b, name)
        for a, b in zip(after, before, strict=True)
        for name in kept
    )


def test_outcome_of_skipped_cells_is_in_the_catalog(kitchen: Kitchen, job: Job) -> None:
    computed_at = kitchen.clock.now
    kitchen.clock.advance(hours=2)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    cells = kitchen.catalog.cells(job.name, run_id=run.id)
    assert {cell.outcome for cell in cells} == {Outcome.SKIPPED}
    assert {cell.computed_at for cell in cells} == {computed_at}
    assert all(cell.fresh_until and cell.fresh_until > kitchen.clock.now for cell in cells)


def test_answers_that_may_not_be_served_any_more_are_renewed_as_well(
    kitchen: Kitchen, job: Job
) -> None:
    kitchen.clock.advance(hours=5)
    assert kitchen.runner.run(job, Cause.SCHEDULE).skipped == 6
    assert len(entries(kitchen, job)) == 6


def test_changed_input_is_computed_though_the_cells_are_fresh(
    kitchen: Kitchen, job: Job, visits: Path
) -> None:
    visits.write_text("id\n2\n")
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(job, Cause.SCHEDULE).computed == 6
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(job, Cause.SCHEDULE).skipped == 6


def test_touched_file_of_the_same_content_is_no_change(
    kitchen: Kitchen, job: Job, visits: Path
) -> None:
    visits.write_text(visits.read_text())
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(job, Cause.MANUAL).skipped == 6


def test_another_input_is_a_change(kitchen: Kitchen, job: Job, visits: Path) -> None:
    (visits.parent / "other.csv").write_bytes(visits.read_bytes())
    other = replace(job, input=InputSpec("file", "other.csv", visits.parent))
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(other, Cause.MANUAL).computed == 6


def test_changed_r_code_is_computed_whatever_the_input(kitchen: Kitchen, job: Job) -> None:
    kitchen.pool.versions["scoring"] = "r2"
    kitchen.clock.advance(minutes=1)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.computed, run.skipped) == (6, 0)


def test_forced_run_skips_nothing(kitchen: Kitchen, job: Job) -> None:
    kitchen.clock.advance(minutes=1)
    assert kitchen.runner.run(job, Cause.MANUAL, scope=EVERYTHING).computed == 6


def test_answer_computed_on_demand_counts_by_time_as_its_input_is_not_known(
    kitchen: Kitchen, job: Job
) -> None:
    kitchen.clock.advance(hours=1)
    found = kitchen.pantry.resolve(call_of_cell(job, next(job.cells())), job)
    assert found is not None
    kitchen.pantry.materialiser.refresh(found)
    kitchen.clock.advance(minutes=1)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.fresh, run.skipped) == (1, 5)
    kitchen.clock.advance(hours=2)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.computed, run.skipped) == (1, 5)


def test_cell_that_failed_is_computed_though_the_input_is_unchanged(
    kitchen: Kitchen, job: Job
) -> None:
    def broken(**_: Any) -> None:
        raise RError("broken", "broken")

    more = gain_job(input=job.input, freshness=Freshness(1, 1, 1), seed=1)
    kitchen.pool.functions["gain"] = broken
    assert kitchen.runner.run(more, Cause.SCHEDULE).failed == 6
    kitchen.pool.functions["gain"] = gain
    assert kitchen.runner.run(more, Cause.SCHEDULE).computed == 6


def test_interrupted_run_goes_on_behind_what_it_computed(
    kitchen: Kitchen, job: Job, visits: Path
) -> None:
    def away(**arguments: Any) -> Any:
        if arguments["prewt"] == 90:
            raise EngineUnavailable(Path("engine.sock"), "gone")
        return gain(**arguments)

    visits.write_text("id\n2\n")
    kitchen.clock.advance(minutes=1)
    kitchen.pool.functions["gain"] = away
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(job, Cause.SCHEDULE)
    kitchen.pool.functions["gain"] = gain
    (left,) = kitchen.catalog.abandoned_runs()
    run = kitchen.runner.run(job, left.cause, resume=left.id)
    assert (run.fresh, run.computed, run.skipped) == (4, 2, 0)


def test_input_that_cannot_be_read_fails_the_run_and_leaves_the_answers(
    kitchen: Kitchen, job: Job, visits: Path
) -> None:
    visits.unlink()
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert run.status is RunStatus.FAILED
    assert run.error == "refresh_when of weight_gain: visits.csv: No such file or directory"
    assert len(entries(kitchen, job)) == 6


# The answer of a database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "visits #1.db")
    connection.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, day TEXT, note BLOB)")
    connection.execute("INSERT INTO visits (day, note) VALUES ('a:b', x'00'), ('50%', NULL)")
    connection.commit()
    yield connection
    connection.close()


def asking(query: str, folder: Path, file: str = "visits #1.db") -> Job:
    return gain_job(input=InputSpec("sql", query, folder, url=f"sqlite:///{file}"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM visits ORDER BY id",
        "SELECT count(*), ':x', '50%' FROM visits WHERE day <> ' :day' AND day NOT LIKE '%:y'",
    ],
)
def test_answer_of_a_query_tells_whether_the_input_changed(
    kitchen: Kitchen, tmp_path: Path, database: sqlite3.Connection, query: str
) -> None:
    job = asking(query, tmp_path)
    seen = []
    for change in ("SELECT 1", "INSERT INTO visits (day) VALUES ('b')"):
        database.execute(change)
        database.commit()
        for _ in range(2):
            kitchen.clock.advance(minutes=1)
            run = kitchen.runner.run(job, Cause.MANUAL)
            seen.append((run.computed, run.skipped))
    assert seen == [(6, 0), (0, 6)] * 2


def test_file_of_a_database_that_is_not_there_is_not_made(kitchen: Kitchen, tmp_path: Path) -> None:
    run = kitchen.runner.run(asking("SELECT 1", tmp_path, "gone.db"), Cause.MANUAL)
    reason = "cannot connect to its database: unable to open database file"
    assert run.error == f"refresh_when of weight_gain: SELECT 1: {reason}"
    assert not (tmp_path / "gone.db").exists()


def test_query_that_the_database_refuses_fails_the_run(
    kitchen: Kitchen, tmp_path: Path, database: sqlite3.Connection
) -> None:
    database.execute("SELECT 1")
    for query, reason in [
        ("SELECT visit FROM visits", "failed: no such column: visit"),
        ("DELETE FROM visits", "failed: attempt to write a readonly database"),
    ]:
        run = kitchen.runner.run(asking(query, tmp_path), Cause.MANUAL)
        assert run.error == f"refresh_when of weight_gain: {query}: {reason}"


# The value of an R expression


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    state = tmp_path_factory.mktemp("engine")
    folder = state.parent / "project"
    folder.mkdir()
    (folder / "models").mkdir()
    (folder / "data").mkdir()
    (folder / "data" / "day").write_text("1")
    (folder / "models" / "m.R").write_text(
        f"""
gain <- function(treatment, prewt, level) data.frame(gain = prewt, level = level)
latest <- function() readLines("{folder}/data/day", warn = FALSE)
.hidden <- function() latest()
"""
    )
    engine = Engine(state, folder, name="scoring")
    yield engine
    engine.close()


@pytest.mark.r
@pytest.mark.parametrize("expression", ["latest()  # of all", "x <- .hidden(); paste(x, 'th')"])
def test_value_of_an_expression_tells_whether_the_input_changed(
    engine: Engine, tmp_path: Path, expression: str
) -> None:
    job = gain_job(input=InputSpec("r", f"{{{expression}\n}}", tmp_path))
    day = engine.state.parent / "project" / "data" / "day"
    kitchen = Kitchen(engine.state, job, pool=engine.pool)
    try:
        assert kitchen.runner.run(job, Cause.SCHEDULE).computed == 6
        kitchen.clock.advance(minutes=1)
        assert kitchen.runner.run(job, Cause.SCHEDULE).skipped == 6
        day.write_text("2")
        kitchen.clock.advance(minutes=1)
        assert kitchen.runner.run(job, Cause.SCHEDULE).computed == 6
    finally:
        day.write_text("1")
        kitchen.close()
        shutil.rmtree(engine.state / "results")
        (engine.state / "catalog.db").unlink()


@pytest.mark.r
def test_expression_that_fails_fails_the_run(engine: Engine, tmp_path: Path) -> None:
    job = gain_job(input=InputSpec("r", "latst()", tmp_path))
    kitchen = Kitchen(engine.state, job, pool=engine.pool)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    kitchen.close()
    assert run.status is RunStatus.FAILED
    assert run.error == 'refresh_when of weight_gain: latst(): could not find function "latst"'


@pytest.mark.r
def test_expression_that_r_cannot_read_is_told(engine: Engine, tmp_path: Path) -> None:
    job = gain_job(input=InputSpec("r", "latest(", tmp_path))
    (problem,) = check_code([job], engine.pool.code_problems)
    assert problem.message.startswith(
        "'latest(' is no R expression: something is missing at its end"
    )
