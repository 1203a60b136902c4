"""Earlier answers: what a cell or a row said before stays readable, and never in the way."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import FixedClock
from test_entry import an_entry
from test_store import limited
from test_tables import keys_of

from cache.entry import Body, Entry, Freshness
from cache.errors import StoreFull
from cache.history import since_of
from cache.sessions import SessionFolder
from cache.store import Store
from cache.sweep import Sweep
from cache.tables import RowTable

DAY = timedelta(days=1)
KEEP = Freshness(86_400, 86_400, 10 * 86_400)


class Cell:
    """One cell of one store, computed again and again."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.clock = FixedClock("2026-10-01T05:00")
        self.store = Store(folder / "results", clock=self.clock, **options)
        self.sessions = SessionFolder(folder / "sessions")
        self.key = an_entry().cache_key

    def compute(self, text: str, *, version: str = "v1", **changes: Any) -> Entry:
        now = self.clock()
        fresh, stale, keep = KEEP.until(now)
        entry = an_entry(
            version=version,
            computed_at=now,
            fresh_until=fresh,
            stale_until=stale,
            keep_until=keep,
            bodies={"exact": Body.of(text.encode() * 200, "application/json")},
            **changes,
        )
        self.store.put(entry)
        return entry

    def said(self, moment: datetime) -> tuple[str, datetime] | None:
        entry = self.store.as_of(self.key, moment)
        return entry and (entry.bodies["exact"].content[:1].decode(), entry.computed_at)

    def earlier(self) -> int:
        return sum(1 for _ in self.store.history.keys("weight_gain", self.clock() - 100 * DAY))

    def rows(self) -> int:
        with closing(sqlite3.connect(self.store.folder / "cache.db")) as connection:
            return int(connection.execute("SELECT count(*) FROM History").fetchone()[0])


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    one = Cell(tmp_path)
    yield one
    one.store.close()


def test_value_before_stays_readable_by_its_moment(cell: Cell) -> None:
    first = cell.compute("1").computed_at
    second = cell.clock.advance(days=1)
    cell.compute("2", version="v2")
    assert cell.said(first - DAY) is None
    assert cell.said(first) == ("1", first)
    assert cell.said(second - timedelta(seconds=1)) == ("1", first)
    assert cell.said(second) == ("2", second)
    earlier = cell.store.as_of(cell.key, first)
    assert earlier is not None
    assert (earlier.version, earlier.session_key) == ("v1", None)
    assert cell.store.earliest(cell.key) == first


def test_same_value_again_is_not_kept_twice(cell: Cell) -> None:
    first = cell.compute("1").computed_at
    for _ in range(5):
        cell.clock.advance(days=1)
        cell.compute("1")
    assert cell.rows() == 0
    assert cell.said(first + 2 * DAY) == ("1", first)
    assert cell.said(cell.clock()) == ("1", cell.clock())
    current = cell.store.get(cell.key)
    assert current is not None
    assert since_of(current) == first


def test_same_value_of_another_version_is_kept_for_its_version(cell: Cell) -> None:
    first = cell.compute("1").computed_at
    cell.clock.advance(days=1)
    cell.compute("1", version="v2")
    earlier = cell.store.as_of(cell.key, first)
    assert earlier is not None
    assert earlier.version == "v1"


def test_renewal_is_no_new_value(cell: Cell) -> None:
    cell.compute("1")
    cell.store.revise(cell.key, lambda entry: replace(entry, fresh_until=cell.clock() + 9 * DAY))
    assert cell.rows() == 0


def test_earlier_answers_are_in_no_listing(cell: Cell) -> None:
    cell.compute("1")
    cell.clock.advance(days=1)
    cell.compute("2")
    assert len(list(cell.store.summaries())) == len(list(cell.store.cache_keys())) == 1
    assert cell.earlier() == 1


def full(store: Store, pages: int) -> None:
    """As a disk that stays full: the limit is one of the connection, which has to stay."""
    limited(store, pages)
    store._rows.close = lambda: None


def test_full_disk_costs_an_earlier_answer_and_no_current_one(cell: Cell) -> None:
    cell.compute("1" * 1000)
    full(cell.store, 0)
    cell.clock.advance(days=1)
    cell.compute("2" * 1000)
    assert cell.said(cell.clock()) == ("2", cell.clock())
    assert cell.rows() == 0
    assert cell.store.history.horizon("weight_gain") == cell.clock()


def test_disk_without_any_room_keeps_the_answer_that_is_there(cell: Cell) -> None:
    cell.compute("1")
    full(cell.store, 0)
    cell.clock.advance(days=1)
    with pytest.raises(StoreFull):
        cell.compute("2" * 1000)
    assert cell.said(cell.clock()) == ("1", cell.clock() - DAY)


def test_sweep_removes_what_was_kept_long_enough_and_says_since_when(cell: Cell) -> None:
    sweep = Sweep(cell.store, cell.sessions, 60)
    first = cell.compute("1").computed_at
    cell.clock.advance(days=8)
    cell.compute("2")
    assert sweep.run(first + 9 * DAY).earlier == 0
    assert sweep.run(first + 10 * DAY).earlier == 1
    assert cell.said(first) is None
    assert cell.store.history.horizon("weight_gain") == cell.clock()
    assert cell.store.earliest(cell.key) == cell.clock()


def test_earlier_answers_go_first_where_room_is_short(tmp_path: Path) -> None:
    cell = Cell(tmp_path, size_limit_bytes=20_000)
    sweep = Sweep(cell.store, cell.sessions, 60)
    for number in range(5):
        cell.clock.advance(hours=2)
        cell.compute(str(number) * 30, pinned=False)
    report = sweep.run(cell.clock())
    assert (report.earlier, report.evicted) == (3, 0)
    assert cell.said(cell.clock() - timedelta(hours=2)) == ("3", cell.clock() - timedelta(hours=2))
    cell.store.close()


class Scores:
    """A table of scores, written day by day."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock("2026-10-01T05:00")
        self.table = RowTable(folder / "rows" / "churn.db", key="id")

    def write(self, keys: list[Any], version: str = "v1", **columns: list[Any]) -> datetime:
        now = self.clock.advance(days=1)
        digests = [0] * len(keys)
        self.table.write(keys, digests, columns, version=version, computed_at=now, freshness=KEEP)
        return now

    def page(self, moment: datetime) -> dict[Any, Any]:
        names, rows = self.table.page(as_of=moment)
        return {row[0]: dict(zip(names[1:-1], row[1:-1], strict=True)) for row in rows}

    def diff(self, before: datetime, after: datetime) -> tuple[int, list[tuple[Any, Any, Any]]]:
        with self.table.past.differences(before, after) as (same, changes):
            return same, [(one.key, one.before, one.after) for one in changes]


@pytest.fixture
def scores(tmp_path: Path) -> Iterator[Scores]:
    opened = Scores(tmp_path)
    yield opened
    opened.table.close()


def test_rows_are_read_as_they_were(scores: Scores) -> None:
    first = scores.write([1, 2], score=[0.1, 0.2])
    second = scores.write([1, 2, 3], "v2", score=[0.1, 0.5, 0.3])
    assert scores.page(first) == {1: {"score": 0.1}, 2: {"score": 0.2}}
    assert scores.page(second) == {1: {"score": 0.1}, 2: {"score": 0.5}, 3: {"score": 0.3}}
    assert scores.page(first - DAY) == {}
    then = scores.table.past.as_of("2", first)
    assert then is not None
    assert (then.values, then.version, then.computed_at) == ({"score": 0.2}, "v1", first)
    unchanged = scores.table.past.as_of(1, first)
    assert unchanged is not None
    assert (unchanged.version, unchanged.computed_at) == ("v1", first)
    assert scores.table.past.as_of(3, first) is None
    assert (scores.table.past.earliest(2), scores.table.past.earliest(3)) == (first, second)


def test_only_rows_that_changed_are_kept(scores: Scores) -> None:
    keys = list(range(100))
    for _ in range(4):
        scores.write(keys, score=[float(key) for key in keys])
    scores.write(keys, score=[0.5, *(float(key) for key in keys[1:])])
    with closing(sqlite3.connect(scores.table.path)) as connection:
        assert connection.execute("SELECT key, c FROM (SELECT key, score AS c FROM past)")
        assert connection.execute("SELECT key FROM past").fetchall() == [(0,)]


def test_removed_row_is_read_as_it_was(scores: Scores) -> None:
    first = scores.write([1, 2], score=[0.1, 0.2])
    gone = scores.clock.advance(days=1)
    with keys_of(scores.table, {1: ""}) as keys:
        scores.table.remove_except(keys, now=gone)
    assert scores.page(first) == {1: {"score": 0.1}, 2: {"score": 0.2}}
    assert scores.page(gone) == {1: {"score": 0.1}}
    again = scores.write([2], score=[0.2])
    assert scores.table.past.as_of(2, gone) is None
    assert scores.page(again)[2] == {"score": 0.2}
    assert scores.diff(first, gone) == (1, [(2, {"score": 0.2}, None)])


def test_columns_and_keys_may_become_others(scores: Scores) -> None:
    first = scores.write([1, 2], flag=[True, None], score=[1, 2])
    second = scores.write([1, "b"], score=["low", "high"], Flag=[0.5, 0.5])
    assert scores.page(first) == {
        "1": {"flag": True, "score": 1},
        "2": {"flag": None, "score": 2},
    }
    assert scores.page(second)["1"] == {"flag": None, "score": "low", "Flag": 0.5}
    was = scores.table.past.as_of("1", first)
    assert was is not None
    assert was.values == {"flag": True, "score": 1}


def test_full_disk_costs_past_rows_and_no_current_one(
    scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = list(range(2000))
    first = scores.write(keys, score=[0.5] * 2000)
    with closing(sqlite3.connect(scores.table.path)) as connection:
        (used,) = connection.execute("PRAGMA page_count").fetchone()
    connect = scores.table._file.connect

    def limited() -> sqlite3.Connection:
        connection = connect()
        connection.execute(f"PRAGMA max_page_count = {used + 4}")
        return connection

    monkeypatch.setattr(scores.table._file, "connect", limited)
    last = scores.write(keys, score=[0.7] * 2000)
    assert scores.page(last)[7] == {"score": 0.7}
    assert scores.page(first) == {}
    assert scores.table.past.horizon() == last


def test_differences_tell_what_came_went_and_changed(scores: Scores) -> None:
    first = scores.write([1, 2, 3, 4], score=[0.1, 0.2, 0.3, 0.4])
    scores.write([2, 3], score=[9.0, 0.5])
    with keys_of(scores.table, dict.fromkeys([1, 2, 3], "")) as keys:
        scores.table.remove_except(keys, now=scores.clock())
    last = scores.write([2, 7], score=[0.2, 0.7])
    assert scores.diff(first, last) == (
        1,
        [
            (2, {"score": 0.2}, {"score": 0.2}),
            (3, {"score": 0.3}, {"score": 0.5}),
            (4, {"score": 0.4}, None),
            (7, None, {"score": 0.7}),
        ],
    )


def test_file_of_an_earlier_larder_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE columns (name TEXT PRIMARY KEY, stored TEXT, kind TEXT);"
            "CREATE TABLE batches (id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT,"
            " computed_at TEXT, fresh_until TEXT, stale_until TEXT, columns TEXT);"
            "CREATE TABLE rows (key INTEGER PRIMARY KEY, digest, batch, score REAL);"
            "INSERT INTO columns VALUES ('score', 'score', 'real');"
            "INSERT INTO batches VALUES (1, 'v1', '2026-09-01T00:00:00.000000Z',"
            " '2026-09-02T00:00:00.000000Z', '2026-09-03T00:00:00.000000Z', '[\"score\"]');"
            "INSERT INTO rows VALUES (7, 0, 1, 0.5);"
        )
    scores = Scores(tmp_path)
    scores.table = RowTable(path, key="id")
    before = scores.clock()
    scores.write([7], score=[0.6])
    assert scores.page(before) == {7: {"score": 0.5}}
    scores.table.close()


def test_sweep_removes_past_rows_and_frees_their_room_first(tmp_path: Path) -> None:
    cell, scores = Cell(tmp_path, size_limit_bytes=300), Scores(tmp_path)
    first = scores.write([1, 2], score=[0.1, 0.2])
    for number in range(4):
        scores.write([1], score=[float(number)])
    sweep = Sweep(cell.store, cell.sessions, 60, rows=scores.table.path.parent)
    assert sweep.run(first + 2 * DAY).earlier == 0
    assert sweep.run(first + 10 * DAY).earlier == 1
    assert scores.table.past.horizon() == first + DAY
    cell.store.size_limit_bytes = 60
    assert sweep.run(first + 10 * DAY).earlier == 2
    assert scores.page(scores.clock()) == {1: {"score": 3.0}, 2: {"score": 0.2}}
    cell.store.close()
    scores.table.close()
