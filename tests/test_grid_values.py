"""Grids whose values stand in a file or a database: read again before each run."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from kitchen import Kitchen

from jobs.check_sources import check_sources
from jobs.errors import ProjectInvalid, RowsUnreadable
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.project import Project, load_project
from jobs.status import Cause, RunStatus

SQL = "{sql: {url: 'sqlite:///w.db', query: SELECT w FROM t}}"


def weights(folder: Path, *values: object) -> None:
    connection = sqlite3.connect(folder / "w.db")
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (w)")
        connection.execute("DELETE FROM t")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    connection.close()


def job_of(folder: Path, axis: str, more: str = "", prewt: str = "{type: number}") -> Job:
    (folder / "jobs").mkdir(exist_ok=True)
    (folder / "jobs" / "a.yaml").write_text(f"""
jobs:
  weight_gain:
    function: scoring::gain
    args:
      treatment: {{values: [CBT, FT]}}
      prewt: {prewt}
      level: {{default: 0.95}}
    grid:
      treatment: all
      prewt: {axis}
      {more}
""")
    return load_project(folder, name="scoring").job("weight_gain")


def asked(job: Job) -> list[object]:
    return list(dict.fromkeys(cell.arguments["prewt"] for cell in job.cells()))


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path / "state")
    yield kitchen
    kitchen.close()


# What is read


@pytest.mark.parametrize(
    ("content", "prewt", "values"),
    [
        ("w,x\n80,a\n70,b\n80,c\n", "{type: number}", [80, 70]),
        ("w,x\n70.5,a\nNA,b\n70,c\n", "{type: number}", [70.5, 70]),
        ("w,x\n007,a\n7,b\n", "{type: string}", ["007", "7"]),
        ("w,x\n2026-01-31,a\n", "{type: any}", ["2026-01-31"]),
        ("w,x\nTRUE,a\nFALSE,b\n", "{type: boolean}", [True, False]),
    ],
)
def test_values_are_the_distinct_ones_of_the_column_in_their_order(
    tmp_path: Path, content: str, prewt: str, values: list[object]
) -> None:
    (tmp_path / "w.csv").write_text(content)
    assert asked(job_of(tmp_path, "{csv: w.csv, column: w}", prewt=prewt)) == values


def test_a_file_with_one_column_needs_no_name_of_it(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("w\n80\n70\n")
    assert asked(job_of(tmp_path, "{csv: w.csv}")) == [80, 70]


def test_a_database_without_booleans_may_say_them_in_numbers(
    tmp_path: Path, kitchen: Kitchen
) -> None:
    weights(tmp_path, 1, 0)
    job = job_of(tmp_path, SQL, prewt="{type: boolean}")
    assert asked(kitchen.pantry.grid_values.read(job)) == [True, False]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((), "the query: has no values of prewt"),
        ((None,), "the query: has no values of prewt"),
        ((70, 120), "the query: holds a wrong value: prewt is 120; allowed: a number of at most"),
        (("70",), "the query: holds a wrong value: prewt must be a number of at most 110, not"),
        ((1, "a"), "the query: holds a wrong value: prewt must be a number"),
    ],
)
def test_values_that_the_argument_does_not_take_are_told(
    tmp_path: Path, kitchen: Kitchen, values: tuple[object, ...], reason: str
) -> None:
    weights(tmp_path, *values)
    job = job_of(tmp_path, SQL, prewt="{type: number, max: 110}")
    with pytest.raises(RowsUnreadable) as caught:
        kitchen.pantry.grid_values.read(job)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT w FROM t", ""),
        ("SELECT w FROM u", "11:15: the query failed: no such table: u"),
        ("SELECT w, 1 AS x FROM t", "11:15: the query has 2 columns: w, x (select one)"),
        ("SELECT 'x' AS w", "11:15: the query holds a wrong value: prewt must be a number, not th"),
    ],
)
def test_a_check_asks_the_database_for_the_values(tmp_path: Path, query: str, problem: str) -> None:
    weights(tmp_path, 70)
    job = job_of(tmp_path, SQL.replace("SELECT w FROM t", f"'{query}'".replace("'x'", "''x''")))
    found = [
        str(one).removeprefix("jobs/a.yaml:")[: len(problem)]
        for one in check_sources(Project("scoring", tmp_path, {job.name: job}))
    ]
    assert found == ([problem] if problem else [])


# When it is read


def test_a_database_is_not_asked_when_the_job_file_is_read(tmp_path: Path) -> None:
    job = job_of(tmp_path, SQL)
    assert (asked(job), job.grid.count() if job.grid else None) == ([], 0)


def test_each_run_reads_the_values_again(tmp_path: Path, kitchen: Kitchen) -> None:
    weights(tmp_path, 70, 80)
    job = job_of(tmp_path, SQL)
    kitchen.pantry.use(JobSet([job]))
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.cells_total, run.computed) == (4, 4)
    weights(tmp_path, 80, 90)
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert (run.cells_total, run.computed, run.fresh) == (4, 2, 2)


def test_all_processes_know_what_a_run_read(tmp_path: Path, kitchen: Kitchen) -> None:
    weights(tmp_path, 70, 80)
    job = job_of(tmp_path, SQL)
    other = Kitchen(tmp_path / "state", job)
    assert asked(other.pantry.jobs.job("weight_gain")) == []
    kitchen.runner.run(job, Cause.MANUAL)
    known = other.pantry.jobs.job("weight_gain")
    assert asked(known) == [70, 80]
    assert other.pantry.freshness(known).fresh == 4
    assert other.pantry.jobs is other.pantry.jobs
    other.close()


@pytest.mark.parametrize("broken", ["DROP TABLE t", "DELETE FROM t"])
def test_what_cannot_be_read_fails_the_run_and_leaves_values_and_answers(
    tmp_path: Path, kitchen: Kitchen, broken: str
) -> None:
    weights(tmp_path, 70, 80)
    job = job_of(tmp_path, SQL)
    kitchen.pantry.use(JobSet([job]))
    kitchen.runner.run(job, Cause.MANUAL)
    connection = sqlite3.connect(tmp_path / "w.db")
    with connection:
        connection.execute(broken)
    connection.close()
    run = kitchen.runner.run(job, Cause.SCHEDULE)
    assert run.status is RunStatus.FAILED
    assert (run.error or "").startswith("the query: ")
    known = kitchen.pantry.jobs.job("weight_gain")
    assert asked(known) == [70, 80]
    assert kitchen.pantry.freshness(known).fresh == 4


def test_values_of_another_source_are_not_taken_for_those_of_this(
    tmp_path: Path, kitchen: Kitchen
) -> None:
    weights(tmp_path, 70, 80)
    kitchen.runner.run(job_of(tmp_path, SQL), Cause.MANUAL)
    changed = job_of(tmp_path, SQL.replace("SELECT w", "SELECT w + 1"))
    kitchen.pantry.use(JobSet([changed]))
    assert asked(kitchen.pantry.jobs.job("weight_gain")) == []


@pytest.mark.parametrize("content", ["", "[]", '{"prewt": 1}', '{"prewt": {"source": "x"}}'])
def test_a_damaged_memory_is_no_error(tmp_path: Path, kitchen: Kitchen, content: str) -> None:
    weights(tmp_path, 70)
    job = job_of(tmp_path, SQL)
    kitchen.pantry.use(JobSet([job]))
    (tmp_path / "state" / "grids").mkdir()
    (tmp_path / "state" / "grids" / "weight_gain.json").write_text(content)
    assert asked(kitchen.pantry.jobs.job("weight_gain")) == []
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 2


def test_included_cells_that_became_combinations_are_one(tmp_path: Path, kitchen: Kitchen) -> None:
    weights(tmp_path, 70, 80)
    more = "include: [{treatment: CBT, prewt: 90}]\n      exclude: [{prewt: 80, treatment: FT}]"
    job = job_of(tmp_path, SQL, more)
    assert kitchen.runner.run(job, Cause.MANUAL).cells_total == 4
    weights(tmp_path, 70, 90)
    assert kitchen.runner.run(job, Cause.MANUAL).cells_total == 4


def test_no_value_of_the_environment_is_written_down(
    tmp_path: Path, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights(tmp_path, 70)
    monkeypatch.setenv("WAREHOUSE_URL", f"sqlite:///{tmp_path}/w.db")
    job = job_of(tmp_path, "{sql: {url: {env: WAREHOUSE_URL}, query: SELECT w FROM t}}")
    kitchen.runner.run(job, Cause.MANUAL)
    state = tmp_path / "state"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert (state / "grids" / "weight_gain.json") in files
    assert not [path for path in files if b"w.db" in path.read_bytes()]


@pytest.mark.parametrize("file", ["w.**", "w.[", "nowhere/../w.cvs", "data", "~/w.csv"])
def test_any_text_may_be_tried_as_a_file(tmp_path: Path, file: str) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(ProjectInvalid) as caught:
        job_of(tmp_path, f'{{csv: "{file}", column: w}}')
    reason = "is a folder" if file == "data" else "does not exist"
    assert [reason in problem.message for problem in caught.value.problems][-1:] == [True]


def test_a_text_column_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("w\n70\n")
    with pytest.raises(ProjectInvalid, match="has no column 'v'"):
        job_of(tmp_path, "{csv: w.csv, column: v}", prewt="{type: string}")
