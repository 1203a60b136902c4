"""Rows that a database answers, and what is told when it does not."""

import sqlite3
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from kitchen import Kitchen, closing_sources, price_job, read_rows

from jobs.check_sources import check_sources
from jobs.definition import schema
from jobs.errors import RowsUnreadable
from jobs.job import Job
from jobs.project import load_project
from jobs.rows_source import Rows, RowsSource
from jobs.secret import EnvEntry
from jobs.sql_query import ROWS_AT_ONCE, SqlQuery
from jobs.status import Cause, RunStatus
from jobs.table_source import CsvFile
from larder.inspection import inspect_project


@pytest.fixture(autouse=True)
def _sources_closed() -> Iterator[None]:
    with closing_sources():
        yield


def database(folder: Path, *statements: str) -> Path:
    path = folder / "warehouse.db"
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def query(folder: Path, text: str, url: str | EnvEntry = "sqlite:///warehouse.db") -> SqlQuery:
    return SqlQuery(url, text, folder)


def source(folder: Path, text: str) -> RowsSource:
    return read_rows(Rows(query(folder, text), "id", "newdata"))


def columns(read: RowsSource) -> dict[str, tuple[str, list[object]]]:
    [batch] = read.batches()
    return {name: (column.kind, column.plain()) for name, column in batch.frame.columns.items()}


def test_columns_get_the_types_that_the_values_have(tmp_path: Path) -> None:
    database(tmp_path)
    text = """
        SELECT 1 AS id, 1.5 AS x, 7 AS n, 'NA' AS s, NULL AS none, 1 AS mixed, 2 AS text_too,
               '2026-01-31' AS day, 123456789012345678 AS long
        UNION ALL SELECT 2, NULL, NULL, NULL, NULL, 2.5, 'a', NULL, NULL
    """
    assert columns(source(tmp_path, text)) == {
        "id": ("integer", [1, 2]),
        "x": ("double", [1.5, None]),
        "n": ("integer", [7, None]),
        "s": ("string", ["NA", None]),
        "none": ("logical", [None, None]),
        "mixed": ("double", [1.0, 2.5]),
        "text_too": ("string", ["2", "a"]),
        "day": ("string", ["2026-01-31", None]),
        "long": ("string", ["123456789012345678", None]),
    }


def test_rows_are_the_same_however_many_come_at_once(tmp_path: Path) -> None:
    last = 2 * ROWS_AT_ONCE + 1  # 20001
    database(tmp_path)
    numbers = """
        WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20001)
        SELECT id, CASE WHEN id = 20001 THEN 0.5 END AS x FROM n
    """
    read = source(tmp_path, numbers)
    assert list(read.keys) == list(range(1, last + 1))
    found = read.row(last)
    assert found is not None
    assert found.frame.columns["x"].plain() == [0.5]


def test_a_row_has_the_digest_that_it_has_in_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,carat,cut\n1,0.5,Fair\n2,,Good\n")
    csv = read_rows(Rows(CsvFile(tmp_path / "t.csv"), "id", "newdata"))
    database(tmp_path)
    text = "SELECT 1 AS id, 0.5 AS carat, 'Fair' AS cut UNION ALL SELECT 2, NULL, 'Good'"
    assert source(tmp_path, text).keys.digests([0, 1]) == csv.keys.digests([0, 1])


def test_a_query_may_hold_percents_and_colons(tmp_path: Path) -> None:
    database(tmp_path)
    text = "SELECT 1 AS id, '100%s :id 12:30' AS s WHERE 'abc' LIKE '%b%'"
    assert columns(source(tmp_path, text))["s"] == ("string", ["100%s :id 12:30"])


def test_a_query_without_rows_has_its_columns(tmp_path: Path) -> None:
    database(tmp_path, "CREATE TABLE t (id, x)")
    read = source(tmp_path, "SELECT * FROM t")
    assert (len(read), query(tmp_path, "SELECT * FROM t").columns()) == (0, ["id", "x"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1 AS x", "has no column 'id'"),
        ("SELECT 1 AS id UNION ALL SELECT NULL", "has a row without id; the first is row 2"),
        ("SELECT 1 AS id UNION ALL SELECT 1", "has id 1 twice, in row 1 and row 2"),
        ("SELECT 1 AS id, 2 AS x, 3 AS x", "has several columns called x"),
        ("SELECT 1 AS id, x'00ff' AS x", "column x holds binary"),
        ("SELECT id FROM nowhere", "failed: no such table: nowhere"),
        ("SELEKT 1", 'failed: near "SELEKT": syntax error'),
        ("CREATE TABLE t (id)", "failed: attempt to write a readonly database"),
        ("PRAGMA user_version = 3", "failed: attempt to write a readonly database"),
    ],
)
def test_a_query_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    database(tmp_path)
    with pytest.raises(RowsUnreadable) as caught:
        source(tmp_path, text)
    assert caught.value.source == "the query"
    assert reason in caught.value.reason


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RowsUnreadable, match="cannot connect to its database: unable to open"):
        source(tmp_path, "SELECT 1 AS id")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nowhere://host/db", "there is no driver for nowhere"),
        ("oracle+oracledb://host/db", "there is no driver for oracle+oracledb (install the Python"),
        ("hunter2", "is no address of one"),
    ],
)
def test_a_database_that_larder_cannot_talk_to_is_said_to_be_one(
    tmp_path: Path, url: str, reason: str
) -> None:
    with pytest.raises(RowsUnreadable) as caught:
        list(query(tmp_path, "SELECT 1 AS id", url).parts())
    assert reason in str(caught.value)


# A variable of the environment


def test_the_variable_is_read_at_each_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(tmp_path, "CREATE TABLE t (id)", "INSERT INTO t VALUES (7)")
    read = query(tmp_path, "SELECT id FROM t", EnvEntry(env="WAREHOUSE_URL"))
    monkeypatch.delenv("WAREHOUSE_URL", raising=False)
    with pytest.raises(RowsUnreadable, match="environment variable WAREHOUSE_URL is not set"):
        list(read.parts())
    monkeypatch.setenv("WAREHOUSE_URL", "sqlite:///warehouse.db")
    assert [part.to_pydict() for part in read.parts()][1:] == [{"id": [7]}]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:///secret-place/hunter2.db", "SELECT 1"),
        ("sqlite:///warehouse.db", "SELECT * FROM warehouse"),
        ("hunter2 secret-place", "SELECT 1"),
        ("hunter2://secret-user:hunter2@secret-place/x", "SELECT 1"),
        ("sqlite+hunter2:///x", "SELECT 1"),
    ],
)
def test_no_error_tells_the_value_of_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, text: str
) -> None:
    database(tmp_path)
    monkeypatch.setenv("WAREHOUSE_URL", url)
    with pytest.raises(RowsUnreadable) as caught:
        list(query(tmp_path, text, EnvEntry(env="WAREHOUSE_URL")).parts())
    told = "".join(traceback.format_exception(caught.value, chain=True))
    told += (
        "".join(traceback.format_exception(caught.value.__cause__))
        if caught.value.__cause__
        else ""
    )
    assert not {part for part in (url, "hunter2", "secret-place") if part in told}


def test_neither_definition_nor_schema_nor_representation_has_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "sqlite:///hunter2.db")
    job = loaded(tmp_path, "{url: {env: WAREHOUSE_URL}, query: SELECT 1 AS id}")
    assert "hunter2" not in f"{job!r} {job.definition()} {schema()}"
    monkeypatch.setenv("WAREHOUSE_URL", "sqlite:///other.db")
    again = loaded(tmp_path, "{url: {env: WAREHOUSE_URL}, query: SELECT 1 AS id}")
    assert (job, job.digest) == (again, again.digest)


# In a project


def loaded(folder: Path, sql: str, key: str = "id") -> Job:
    (folder / "jobs").mkdir(exist_ok=True)
    rows = f"rows: {{from: {{sql: {sql}}}, key: {key}, pass_as: d}}"
    (folder / "jobs" / "a.yaml").write_text(f"jobs:\n  a:\n    function: a.b::f\n    {rows}\n")
    return load_project(folder).job("a")


@pytest.mark.parametrize(
    ("sql", "key", "problem"),
    [
        ("{url: 'sqlite:///warehouse.db', query: SELECT id FROM t}", "id", ""),
        (
            "{url: 'sqlite:///warehouse.db', query: SELECT id FROM t}",
            "idd",
            "4:83: the query has no column 'idd' (did you mean 'id'?)",
        ),
        (
            "{url: 'sqlite:///warehouse.db', query: SELECT id FROM u}",
            "id",
            "4:19: the query failed: no such table: u",
        ),
        (
            "{url: 'sqlite:///nowhere.db', query: SELECT id FROM t}",
            "id",
            (
                "4:19: warning: the query cannot connect to its database: unable to open database"
                " file (there is no file nowhere.db; a path begins at the project)"
            ),
        ),
        (
            "{url: {env: NOT_SET_ANYWHERE}, query: SELECT id FROM t}",
            "id",
            (
                "4:19: warning: the query has no database: the environment variable "
                "NOT_SET_ANYWHERE is not set (set it where Larder is started)"
            ),
        ),
    ],
)
def test_a_check_asks_the_database(tmp_path: Path, sql: str, key: str, problem: str) -> None:
    database(tmp_path, "CREATE TABLE t (id)")
    loaded(tmp_path, sql, key)
    found = [
        str(problem).removeprefix("jobs/a.yaml:")
        for problem in check_sources(load_project(tmp_path))
    ]
    assert found == ([problem] if problem else [])


def test_larder_check_asks_it_too(tmp_path: Path) -> None:
    database(tmp_path, "CREATE TABLE t (id)")
    loaded(tmp_path, "{url: 'sqlite:///warehouse.db', query: SELECT age FROM t}")
    inspection = inspect_project(tmp_path, with_r=False)
    assert [one.message for one in inspection.problems] == ["the query failed: no such column: age"]
    assert inspection.errors == 1


def test_runs_follow_the_database_and_keep_the_answers_while_it_is_away(tmp_path: Path) -> None:
    path = database(
        tmp_path,
        "CREATE TABLE t (id INTEGER, carat REAL)",
        "INSERT INTO t VALUES (1, 0.5), (2, 1), (3, 1.5)",
    )
    rows = Rows(query(tmp_path, "SELECT * FROM t"), "id", "newdata")
    job = price_job(tmp_path / "none.csv", rows=rows)
    kitchen = Kitchen(tmp_path / "state", job)
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 3
    database(tmp_path, "UPDATE t SET carat = 9 WHERE id = 2", "DELETE FROM t WHERE id = 3")
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.computed, run.fresh) == (1, 1)
    path.rename(tmp_path / "elsewhere.db")
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "the query: cannot connect to its database: unable to open" in run.error
    assert kitchen.pantry.row_answers.table(job).count() == 2
    kitchen.close()


def test_a_row_asked_for_is_looked_up_in_a_table_read_seconds_ago(tmp_path: Path) -> None:
    database(tmp_path, "CREATE TABLE t (id, carat)", "INSERT INTO t VALUES (1, 0.5)")
    rows = Rows(query(tmp_path, "SELECT * FROM t"), "id", "newdata")
    job = price_job(tmp_path / "none.csv", rows=rows)
    kitchen = Kitchen(tmp_path / "state", job)
    first = kitchen.pantry.begin_row(job, "1").result(20)
    assert first.answer is not None
    assert first.answer.values == {"price": 1.0}
    database(tmp_path, "INSERT INTO t VALUES (2, 1.5)")
    kitchen.clock.advance(seconds=11)
    second = kitchen.pantry.begin_row(job, "2").result(20)
    assert second.answer is not None
    assert second.now - first.now == timedelta(seconds=11)
    kitchen.close()
