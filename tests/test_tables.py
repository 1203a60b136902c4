"""The rows of a rows job: one table, typed, replaced whole batch by whole batch."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.entry import Freshness, State, Version
from cache.errors import ColumnUnknown, RowsRefused, StoreFull, StoreUnavailable
from cache.tables import RowKeys, RowTable, Standing

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FRESHNESS = Freshness(86_400, 86_400, 86_400)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[RowTable]:
    opened = RowTable(tmp_path / "rows" / "churn.db", key="customer_id")
    yield opened
    opened.close()


@contextmanager
def keys_of(table: RowTable, rows: dict[Any, str]) -> Iterator[RowKeys]:
    """The keys of a source, each with the digest of its text."""
    numbers = all(isinstance(key, int) for key in rows)
    keys = RowKeys(table.path.parent, numbers=numbers)
    keys.add(list(rows), [hash(text) for text in rows.values()])
    assert keys.repeated() is None
    yield keys
    keys.close()


def keep(table: RowTable, kept: list[Any]) -> int:
    with keys_of(table, dict.fromkeys(kept, "")) as keys:
        return table.remove_except(keys, now=NOON)


def write(table: RowTable, keys: list[Any], version: str = "v1", **columns: list[Any]) -> None:
    at = columns.pop("at", NOON)
    table.write(
        keys,
        [hash(str(key)) for key in keys],
        columns,
        version=version,
        computed_at=at,
        freshness=FRESHNESS,
    )


def page(table: RowTable, **asked: Any) -> list[tuple[Any, ...]]:
    return [row[:-1] for row in table.page(**asked)[1]]


def sabotaged(table: RowTable) -> None:
    table.close()
    for path in table.path.parent.iterdir():
        path.unlink()
    table.path.write_bytes(b"this is no database" * 1000)


def test_damaged_file_is_a_clear_error(table: RowTable) -> None:
    write(table, [1], score=[0.5])
    sabotaged(table)
    with pytest.raises(StoreUnavailable, match="not a database"):
        table.get(1)
    with pytest.raises(StoreUnavailable):
        RowTable(table.path, key="customer_id")


def test_full_disk_keeps_the_rows_as_they_were(
    table: RowTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(table, [1, 2], score=[0.5, 0.6])
    connect = table._file.connect

    def limited() -> sqlite3.Connection:
        connection = connect()
        connection.execute("PRAGMA max_page_count = 12")
        return connection

    monkeypatch.setattr(table._file, "connect", limited)
    with pytest.raises(StoreFull):
        write(table, list(range(20_000)), version="v2", score=[0.9] * 20_000)
    assert page(table) == [(1, 0.5), (2, 0.6)]
    assert table.get(1).version == "v1"


def test_row_is_found_by_its_key(table: RowTable) -> None:
    write(table, [7, 8], score=[0.5, 0.25], label=["low", None])
    row = table.get(8)
    assert (row.key, row.values) == (8, {"score": 0.25, "label": None})
    assert (row.version, row.computed_at, row.digest) == ("v1", NOON, hash("8"))
    assert (row.fresh_until, row.stale_until) == (NOON + DAY, NOON + 2 * DAY)
    assert table.get(9) is None


def test_nothing_is_found_before_anything_is_written(table: RowTable) -> None:
    assert table.get(1) is None
    assert table.count() == 0
    with keys_of(table, {1: "1"}) as keys:
        assert table.compare(keys, 0, 1, version="v1", now=NOON) == {0: Standing.NONE}
    assert table.counts(NOON, "v1") == {"fresh": 0, "stale": 0, "expired": 0}
    assert keep(table, []) == 0
    names, rows = table.page()
    assert (names, list(rows)) == (["customer_id", "computed_at"], [])


def test_row_has_the_state_that_an_entry_would_have(table: RowTable) -> None:
    write(table, [1], score=[0.5])
    row = table.get(1)
    assert row.state(NOON) is State.FRESH
    assert row.state(NOON + DAY) is State.STALE
    assert row.state(NOON, Version("v2", NOON)) is State.STALE
    assert row.state(NOON + 2 * DAY) is State.MISS


def test_rows_are_replaced_by_key_and_the_others_stay(table: RowTable) -> None:
    write(table, [1, 2], score=[0.1, 0.2])
    write(table, [2, 3], version="v2", score=[0.9, 0.3])
    assert page(table) == [(1, 0.1), (2, 0.9), (3, 0.3)]
    assert [table.get(key).version for key in (1, 2, 3)] == ["v1", "v2", "v2"]


def test_written_types_come_back(table: RowTable) -> None:
    values = {"b": True, "i": 2**62, "r": 1.5, "t": "né", "x": b"\0\1", "n": None}
    write(table, [1], **{name: [value] for name, value in values.items()})
    row = table.get(1)
    assert row.values == values
    assert row.values["b"] is True
    assert next(table.page()[1])[1:-1] == tuple(values.values())


def test_nan_is_missing(table: RowTable) -> None:
    write(table, [1], score=[math.nan])
    assert table.get(1).values == {"score": None}


def test_text_keys_stay_text(table: RowTable) -> None:
    write(table, ["007", "7"], score=[0.1, 0.2])
    assert table.get("007").values == {"score": 0.1}
    assert table.get(7).values == {"score": 0.2}


def test_number_keys_are_found_by_text_too(table: RowTable) -> None:
    write(table, [12], score=[0.1])
    assert table.get("12").key == 12
    assert table.get("twelve") is None


def test_keys_that_turn_into_text_keep_the_old_rows(table: RowTable) -> None:
    write(table, [1, 2], score=[0.1, 0.2], flag=[True, False])
    assert table.get(1).key == 1
    write(table, ["2", "C-3"], score=[0.9, 0.3], flag=[True, None])
    assert table.get(1).key == "1"
    assert page(table) == [("1", 0.1, True), ("2", 0.9, True), ("C-3", 0.3, None)]


def test_column_that_changes_type_keeps_every_value(table: RowTable) -> None:
    write(table, [1], score=[3])
    assert table.get(1).values == {"score": 3}
    write(table, [2], score=[0.5])
    write(table, [3], score=["12"])
    write(table, [4], score=[None])
    assert [table.get(key).values["score"] for key in (1, 2, 3, 4)] == [3.0, 0.5, "12", None]


def test_columns_come_and_go_with_the_model(table: RowTable) -> None:
    write(table, [1, 2], old=[1, 2], score=[0.1, 0.2])
    write(table, [2], version="v2", score=[0.9], rank=["a"])
    assert table.get(1).values == {"old": 1, "score": 0.1}
    assert table.get(2).values == {"score": 0.9, "rank": "a"}
    assert table.page()[0] == ["customer_id", "old", "score", "rank", "computed_at"]
    assert keep(table, [2]) == 1
    assert table.page()[0] == ["customer_id", "score", "rank", "computed_at"]


def test_names_that_sqlite_would_confuse_stay_apart(table: RowTable) -> None:
    names = ["a", "A", "key", "batch", "rowid", 'say "x"', "", "select", "ß"]
    write(table, [1], **{name: [number] for number, name in enumerate(names)})
    assert table.get(1).values == {name: number for number, name in enumerate(names)}
    assert page(table, columns=["A", "key"], where={"A": 1, "key": 2}) == [(1, 1, 2)]


def test_column_named_as_the_key_is_the_key(table: RowTable) -> None:
    write(table, [1], customer_id=[1], score=[0.5])
    assert table.page()[0] == ["customer_id", "score", "computed_at"]


def test_rows_that_do_not_fit_together_are_refused_whole(table: RowTable) -> None:
    write(table, [1], score=[0.5])
    for columns in ({"score": [1.0]}, {"score": [1, 2**64]}, {"score": [1, {}]}):
        with pytest.raises(RowsRefused, match="rows of churn"):
            write(table, [1, 2], **columns)
    with pytest.raises(RowsRefused, match="computed_at"):
        write(table, [1], computed_at=[1])
    assert page(table) == [(1, 0.5)]


def test_current_rows_are_fresh_and_of_the_version(table: RowTable) -> None:
    write(table, [1, 2], version="v1", score=[1, 2])
    write(table, [2, 3], version="v2", score=[1, 2])
    write(table, [4], version="v2", score=[1], at=NOON - DAY)
    source = {1: "1", 2: "2", 3: "three", 4: "4", 5: "5"}
    with keys_of(table, source) as keys:
        assert table.compare(keys, 0, 5, version="v2", now=NOON) == {
            0: Standing.OTHER_VERSION,
            2: Standing.CHANGED,
            3: Standing.AGED,
            4: Standing.NONE,
        }
        assert table.compare(keys, 1, 2, version="v3", now=NOON) == {1: Standing.OTHER_VERSION}


def test_rows_are_counted_by_state(table: RowTable) -> None:
    write(table, [1], version="v1", score=[1])
    write(table, [2, 3], version="v2", score=[1, 2])
    write(table, [4], version="v2", score=[1], at=NOON - 2 * DAY)
    assert table.counts(NOON, "v2") == {"fresh": 2, "stale": 1, "expired": 1}
    assert table.count() == 4


def test_page_filters_orders_and_cuts(table: RowTable) -> None:
    write(
        table,
        [1, 2, 3, 4],
        plan=["a", "b", "a", None],
        score=[0.4, 0.3, 0.2, 0.1],
        ok=[True, False, True, None],
    )
    assert page(table, where={"plan": "a"}, columns=["score"]) == [(1, 0.4), (3, 0.2)]
    assert page(table, where={"plan": ["b", None]}, columns=["score"]) == [(2, 0.3), (4, 0.1)]
    assert page(table, where={"ok": "true", "customer_id": 3}, columns=["ok"]) == [(3, True)]
    assert page(table, order_by="score", columns=[], limit=2) == [(4,), (3,)]
    assert page(table, order_by="score", columns=[], descending=True, offset=3) == [(4,)]
    assert page(table, descending=True, columns=[], limit=1) == [(4,)]
    assert page(table, where={"plan": []}) == []


def test_page_says_when_each_row_was_computed(table: RowTable) -> None:
    write(table, [2], score=[1], at=NOON - DAY)
    write(table, [1], score=[1])
    names, rows = table.page(order_by="computed_at")
    assert names[-1] == "computed_at"
    assert [(row[0], row[-1]) for row in rows] == [
        (2, "2026-11-22T12:00:00.000000Z"),
        (1, "2026-11-23T12:00:00.000000Z"),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"columns": ["scor"]},
        {"where": {"scor": 1}},
        {"order_by": "scor"},
        {"where": {"score = 1 OR 1": 1}},
        {"where": {"computed_at": 1}},
    ],
)
def test_unknown_column_is_named_with_its_nearest(table: RowTable, asked: dict[str, Any]) -> None:
    write(table, [1], score=[0.5])
    with pytest.raises(ColumnUnknown) as caught:
        table.page(**asked)
    assert caught.value.nearest in ("score", None)


def test_page_can_be_read_in_another_thread_while_rows_change(table: RowTable) -> None:
    write(table, list(range(3000)), score=[0] * 3000)
    _, rows = table.page()
    first = next(rows)
    write(table, list(range(3000)), version="v2", score=["x"] * 3000)
    with ThreadPoolExecutor(1) as threads:
        rest = threads.submit(list, rows).result()
    assert {row[1] for row in [first, *rest]} == {0}
    assert len(rest) == 2999


def test_reader_notices_what_another_process_writes(table: RowTable) -> None:
    write(table, [1, 2], score=[0.5, 0.5])
    assert table.get(1).values == {"score": 0.5}
    script = (
        "import sys, pathlib; sys.path.insert(0, 'tests')\n"
        "from cache.tables import RowTable; from test_tables import write\n"
        "table = RowTable(pathlib.Path(sys.argv[1]), key='customer_id')\n"
        "write(table, [1], version='v2', rank=['first'], score=['high'])"
    )
    subprocess.run([sys.executable, "-c", script, str(table.path)], cwd=ROOT, check=True)
    assert table.get(1).values == {"rank": "first", "score": "high"}
    assert table.get(2).values == {"score": 0.5}


def test_several_processes_make_and_fill_one_file(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; sys.path.insert(0, 'tests')\n"
        "from cache.tables import RowTable; from test_tables import write\n"
        "table = RowTable(pathlib.Path(sys.argv[1]), key='id')\n"
        "for n in range(20): write(table, [int(sys.argv[2]) * 100 + n], score=[n])"
    )
    commands = [[sys.executable, "-c", script, str(tmp_path / "t.db"), str(n)] for n in range(3)]
    writers = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert RowTable(tmp_path / "t.db", key="id").count() == 60


def test_reads_hold_up_while_rows_are_written(table: RowTable) -> None:
    write(table, list(range(100)), a=[0] * 100, b=[0] * 100)

    def consistent(number: int) -> bool:
        values = table.get(number % 100).values
        return values["a"] == values["b"]

    with ThreadPoolExecutor(3) as threads:
        reads = threads.map(consistent, range(600))
        for number in range(20):
            write(table, list(range(100)), a=[number] * 100, b=[number] * 100)
        assert all(reads)


def test_large_write_leaves_no_large_log(table: RowTable) -> None:
    table.get(1)  # an open reader keeps the log file alive
    many = 100_000
    write(table, list(range(many)), score=[0.5] * many)
    log = table.path.with_name(table.path.name + "-wal")
    assert log.stat().st_size == 0
    assert table.path.stat().st_size < 50 * many


def test_forgotten_batches_do_not_pile_up(table: RowTable) -> None:
    for _ in range(5):
        write(table, [1], score=[4])
    keep(table, [1])
    with closing(sqlite3.connect(table.path)) as connection:
        assert connection.execute("SELECT id FROM batches").fetchall() == [(1,), (5,)]
    assert table.get(1).values == {"score": 4}


cells = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            cells,
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    table = RowTable(tmp_path_factory.mktemp("rows") / "t.db", key="customer_id")
    for key, row in enumerate(rows):
        row.pop("customer_id", None)
        row.pop("computed_at", None)
        write(table, [key], **{name: [value] for name, value in row.items()})
    for key, row in enumerate(rows):
        assert table.get(key).values == row
    table.close()
