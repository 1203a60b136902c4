"""Rows, values of a grid and inputs that a real PostgreSQL answers."""

import signal
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from kitchen import Kitchen, price_job
from postgres import PASSWORD, Postgres, postgres
from serving import wait_until

from jobs.argument import ArgumentSpec
from jobs.axis_source import AxisSource
from jobs.errors import RowsUnreadable
from jobs.rows_source import Rows, RowsSource
from jobs.secret import EnvEntry
from jobs.sql_query import ROWS_AT_ONCE, SqlQuery
from jobs.status import Cause, RunStatus

numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def warehouse(server: Postgres) -> str:
    """The address of a database with nothing in it."""
    return server.new("warehouse")


def made(server: Postgres, *statements: str) -> str:
    """The name of a database of the test's own."""
    name = f"made{next(numbers)}"
    server.new(name, *statements)
    return name


def query(url: str | EnvEntry, text: str) -> SqlQuery:
    return SqlQuery(url, text, Path("/nowhere"))


def source(url: str, text: str) -> RowsSource:
    return RowsSource.read(Rows(query(url, text), "id", "newdata"))


def columns(url: str, text: str) -> dict[str, tuple[str, list[object]]]:
    with source(url, text) as read:
        [batch] = read.batches()
    return {name: (column.kind, column.plain()) for name, column in batch.frame.columns.items()}


TYPES = {
    "whole integer": ([7, None], "integer"),
    "small smallint": ([7, None], "integer"),
    "wide bigint": ([3_000_000_000, None], "double"),
    "long bigint": ([123_456_789_012_345_678, None], "string"),
    "money numeric(10,2)": (["1.50", None], "double"),
    "x double precision": ([1.5, None], "double"),
    "x4 real": ([0.25, None], "double"),
    "s text": (["größer 'than'", None], "string"),
    "v varchar(20)": (["NA", None], "string"),
    "b boolean": ([True, None], "logical"),
    "day date": (["2026-01-31", None], "string"),
    "at timestamp": (["2026-01-31 05:00:00.25", None], "string"),
    "instant timestamptz": (["2026-01-31 05:00:00+02", None], "string"),
    "clock time": (["05:30", None], "string"),
    "name uuid": (["3d8f0000-0000-4000-8000-000000000001", None], "string"),
    "address inet": (["10.0.0.1", None], "string"),
    "none text": ([None, None], "logical"),
}
READ_AS: dict[str, object] = {
    "wide": 3_000_000_000.0,
    "long": "123456789012345678",
    "money": 1.5,
    "instant": "2026-01-31 03:00:00",  # in UTC
    "clock": "05:30:00",
}


def test_columns_get_types_that_r_has(server: Postgres) -> None:
    name = made(server, f"CREATE TABLE t (id integer PRIMARY KEY, {', '.join(TYPES)})")
    places = ", ".join(["%s"] * (len(TYPES) + 1))
    with server.connect(name) as connection:
        for row in range(2):
            values = [row + 1, *(values[row] for values, _ in TYPES.values())]
            connection.execute(f"INSERT INTO t VALUES ({places})".encode(), values)
    expected = {"id": ("integer", [1, 2])}
    for declared, (values, kind) in TYPES.items():
        column = declared.split()[0]
        expected[column] = (kind, [READ_AS.get(column, values[0]), None])
    assert columns(server.url(name), "SELECT * FROM t ORDER BY id") == expected


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Australia/Lord_Howe"])
def test_moments_are_told_in_utc_whatever_zone_the_database_has(
    server: Postgres, zone: str
) -> None:
    text = "VALUES (1, timestamptz '2026-01-31 05:00Z'), (2, '2026-07-31 05:00Z')"
    name = made(server, f"CREATE TABLE t AS SELECT * FROM ({text}) AS v (id, at)")
    with server.connect("postgres") as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'".encode())
    said = columns(server.url(name), "SELECT * FROM t ORDER BY id")["at"]
    assert said == ("string", ["2026-01-31 05:00:00", "2026-07-31 05:00:00"])


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("ARRAY[1, 2]", "list<"),
        ("""'{"a": 1}'::json""", "struct<"),
        ("""'[1, "a"]'::jsonb""", "list"),
        ("'a'::bytea", "binary"),
        ("interval '1 day'", "duration"),
    ],
)
def test_what_r_has_no_type_for_is_named_with_its_column(
    warehouse: str, value: str, holds: str
) -> None:
    with pytest.raises(RowsUnreadable, match=f"column x holds {holds}") as caught:
        source(warehouse, f"SELECT 1 AS id, {value} AS x")
    assert "make it numbers or texts" in caught.value.hint


def test_documents_of_several_shapes_are_refused_too(warehouse: str) -> None:
    text = """SELECT id, x::json FROM (VALUES (1, '{"a": 1}'), (2, '[2]')) AS t (id, x)"""
    with pytest.raises(RowsUnreadable, match="column x holds lists or documents"):
        source(warehouse, text)


def test_parts_of_documents_and_arrays_made_texts_are_columns(warehouse: str) -> None:
    text = """SELECT 1 AS id, '{"age": 7}'::json ->> 'age' AS age, ARRAY[1, 2]::text AS many"""
    said = columns(warehouse, text)
    assert (said["age"], said["many"]) == (("string", ["7"]), ("string", ["{1,2}"]))


def test_numbers_that_are_none_are_missing(warehouse: str) -> None:
    text = "SELECT 1 AS id, 'NaN'::numeric AS x, 'NaN'::float8 AS y, 1::numeric / 3 AS z"
    with source(warehouse, text) as read:
        [batch] = read.batches()
    x, y, z = (batch.frame.columns[name] for name in "xyz")
    assert {x.kind, y.kind, z.kind} == {"double"}
    assert [str(x.values[0]), str(y.values[0])] == ["nan", "nan"]
    assert z.plain() == [1 / 3]


def test_many_rows_are_the_same_however_many_come_at_once(warehouse: str) -> None:
    last = 2 * ROWS_AT_ONCE + 1
    text = f"""
        -- a remark of 100 %: and a semicolon at the end
        SELECT id, CASE WHEN id = {last} THEN 0.5 END AS x FROM generate_series(1, {last}) AS id;
    """
    with source(warehouse, text) as read:
        assert list(read.keys) == list(range(1, last + 1))
        found = read.row(last)
        assert found is not None
        assert found.frame.columns["x"].plain() == [0.5]


def test_the_database_keeps_the_rows_that_were_not_asked_for_yet(
    server: Postgres, warehouse: str
) -> None:
    """What it could only do with a cursor of its own: there is no end of these rows."""
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"
    assert query(warehouse, endless).columns() == ["id"]
    with query(warehouse, endless)._answer() as answer:
        pieces = answer.partitions(ROWS_AT_ONCE)
        assert [len(next(pieces)), len(next(pieces))] == [ROWS_AT_ONCE, ROWS_AT_ONCE]
    with server.connect("warehouse") as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'warehouse'"
        wait_until(lambda: connection.execute(others).fetchone() == (1,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT id FROM nowhere", 'failed: relation "nowhere" does not exist'),
        ("SELECT no_such FROM pg_class", 'failed: column "no_such" does not exist'),
        ("SELEKT 1", 'failed: syntax error at or near "SELEKT"'),
        ("SELECT 1 / 0 AS id", "failed: division by zero"),
        ("CREATE TABLE t (id integer)", "failed: syntax error"),
        ("SELECT nextval('counter') AS id", "failed: cannot execute nextval() in a read-only"),
        ("SELECT 'infinity'::date AS id", "failed: date too large"),
        ("SELECT 1 AS id; DROP SEQUENCE counter", "failed: cannot insert multiple commands"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(server: Postgres, text: str, reason: str) -> None:
    name = made(server, "CREATE SEQUENCE counter")
    with pytest.raises(RowsUnreadable) as caught:
        source(server.url(name), text)
    assert caught.value.reason.startswith(reason)
    assert text not in str(caught.value)


def test_a_wrong_password_is_not_told(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = server.url("warehouse", password="hunter2 of old")
    for url in (wrong, EnvEntry(env="WAREHOUSE_URL")):
        monkeypatch.setenv("WAREHOUSE_URL", wrong)
        with pytest.raises(RowsUnreadable) as caught:
            list(query(url, "SELECT 1 AS id").parts())
        told = "".join(traceback.format_exception(caught.value, chain=True))
        assert "cannot connect to its database" in told
        assert "password authentication failed" in told
        assert "hunter2" not in told
    assert "keeper" not in str(caught.value)  # from the environment, everything is secret


def test_a_database_or_server_that_is_not_there_is_said_to_be_missing(server: Postgres) -> None:
    with pytest.raises(RowsUnreadable, match=r'cannot connect.*database "atlantis" does not exist'):
        list(query(server.url("atlantis"), "SELECT 1 AS id").parts())
    nobody = "postgresql+psycopg://keeper:hunter2@127.0.0.1:1/warehouse"
    with pytest.raises(RowsUnreadable, match=r"cannot connect.*Connection refused") as caught:
        list(query(nobody, "SELECT 1 AS id").parts())
    assert "hunter2" not in str(caught.value)


def test_a_server_that_goes_away_in_the_middle_is_told_of_and_found_again(
    server: Postgres, warehouse: str
) -> None:
    late = f"CASE WHEN id > {ROWS_AT_ONCE} THEN pg_sleep(60)::text END"
    text = f"SELECT id, {late} AS x FROM generate_series(1, {2 * ROWS_AT_ONCE}) AS id"
    sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(list, query(warehouse, text).parts())
        with server.connect("postgres") as connection:
            wait_until(lambda: connection.execute(sleeps).fetchone() == (1,))
        server.stop(signal.SIGQUIT)
        with pytest.raises(RowsUnreadable, match="the query: failed: ") as caught:
            reading.result(30)
    told = "".join(traceback.format_exception(caught.value, chain=True))
    assert "connection" in str(caught.value)
    assert PASSWORD not in told
    server.start()
    *_, last = query(warehouse, "SELECT 1 AS id").parts()
    assert last.to_pydict() == {"id": [1]}


def test_runs_follow_the_database_and_keep_the_answers_while_it_is_away(
    server: Postgres, tmp_path: Path
) -> None:
    fill = "INSERT INTO t SELECT i, i / 2.0 FROM generate_series(1, 3) AS i"
    name = made(server, "CREATE TABLE t (id integer, carat numeric)", fill)
    rows = Rows(query(server.url(name), "SELECT * FROM t ORDER BY id"), "id", "newdata")
    job = price_job(tmp_path / "none.csv", rows=rows)
    kitchen = Kitchen(tmp_path / "state", job)
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 3
    with server.connect(name) as connection:
        connection.execute("UPDATE t SET carat = 9 WHERE id = 2")
        connection.execute("DELETE FROM t WHERE id = 3")
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.computed, run.fresh) == (1, 1)
    server.stop()
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert run.status is RunStatus.FAILED
    assert (run.error or "").startswith("the query: cannot connect to its database: ")
    assert kitchen.pantry.row_answers.table(job).count() == 2
    server.start()
    kitchen.close()


def test_values_of_a_grid_come_from_a_query(server: Postgres) -> None:
    values = "(VALUES ('CBT', 70, true), ('FT', 80, false), ('CBT', 70, true), (NULL, 90, true))"
    name = made(server, f"CREATE TABLE arms AS SELECT * FROM {values} AS v (arm, prewt, blind)")
    read = query(server.url(name), "SELECT * FROM arms")
    for argument, kind, expected in (
        ("arm", "string", ("CBT", "FT")),
        ("prewt", "integer", (70, 80, 90)),
        ("blind", "boolean", (True, False)),
    ):
        spec = ArgumentSpec(argument, kind)  # type: ignore[arg-type]
        assert AxisSource(read, argument, spec).values() == expected


def test_an_input_has_another_digest_once_its_rows_are_others(server: Postgres) -> None:
    name = made(server, "CREATE TABLE visits AS SELECT 1 AS id, 0.5 AS x, now() AS at")
    asked = query(server.url(name), "SELECT * FROM visits")
    before = asked.digest()
    assert asked.digest() == before
    with server.connect(name) as connection:
        connection.execute("UPDATE visits SET x = 0.6")
    assert asked.digest() != before
