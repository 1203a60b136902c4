"""Tables: all answers of a job, one under the other; and how many of them are good."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import Kitchen, gain_job, price_job

from cache.errors import ColumnUnknown
from jobs.freshness import JobFreshness
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.status import Cause
from jobs.table import Selection

NOON = "2026-11-23T05:00:00.000000Z"


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, gain_job())
    yield kitchen
    kitchen.close()


def answering(kitchen: Kitchen, answer: Any, **changes: Any) -> Job:
    """A job of two cells, computed, whose function answers always the same."""
    grid = Grid((Axis("treatment", ("CBT", "FT")),), included=())
    job = gain_job(grid=grid, arguments=gain_job().arguments[:1], **changes)
    kitchen.pool.functions["gain"] = lambda **_: answer
    kitchen.runner.run(job, Cause.MANUAL)
    return job


def rows(kitchen: Kitchen, job: Job, **wanted: Any) -> list[tuple[Any, ...]]:
    return list(kitchen.pantry.table(job, Selection(**wanted)).rows)


def test_arguments_come_first_then_values_then_when_and_state(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    table = kitchen.pantry.table(gain_job())
    names = ("treatment", "prewt", "level", "gain", "width", "computed_at", "state")
    assert table.columns == names
    first, second, *_ = table.rows
    assert first == ("CBT", 70, 0.95, 4.0, 0.95, NOON, "fresh")
    assert second[0] == "FT"


def test_cells_without_an_answer_are_told_as_missing(kitchen: Kitchen) -> None:
    table = kitchen.pantry.table(gain_job())
    assert table.columns == ("treatment", "prewt", "level", "computed_at", "state")
    assert next(iter(table.rows)) == ("CBT", 70, 0.95, None, "missing")


def test_stale_answers_are_told_as_stale(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    kitchen.clock.advance(hours=2)
    assert {row[-1] for row in rows(kitchen, gain_job())} == {"stale"}


@pytest.mark.parametrize(
    ("answer", "columns", "values"),
    [
        (3.5, ("value",), [(3.5,)]),
        ([1, 2], ("value",), [(1,), (2,)]),
        ({"a": 1, "b": [1, 2]}, ("a", "b"), [(1, [1, 2])]),
        ([{"a": 1}, {"b": 2}], ("a", "b"), [(1, None), (None, 2)]),
        (None, ("value",), [(None,)]),
        ([], (), []),
    ],
)
def test_answers_of_all_kinds_have_rows(
    kitchen: Kitchen, answer: Any, columns: tuple[str, ...], values: list[tuple[Any, ...]]
) -> None:
    job = answering(kitchen, answer)
    table = kitchen.pantry.table(job)
    assert table.columns[1:-2] == columns
    assert [row[1:-2] for row in table.rows if row[0] == "CBT"] == values


def test_column_of_the_value_that_contradicts_the_argument_is_kept_beside_it(
    kitchen: Kitchen,
) -> None:
    job = answering(kitchen, {"treatment": "other", "state": "Iowa"})
    table = kitchen.pantry.table(job)
    assert table.columns[1:-2] == ("value.treatment", "value.state")
    assert next(table.rows)[:3] == ("CBT", "other", "Iowa")


def test_answer_without_a_form_in_json_has_a_row_without_values(kitchen: Kitchen) -> None:
    job = answering(kitchen, 1)
    for key in list(kitchen.pantry.store.cache_keys()):
        entry = kitchen.pantry.store.get(key)
        assert entry is not None
        entry.bodies.pop("exact")
        kitchen.pantry.store.put(entry)
    assert rows(kitchen, job)[0] == ("CBT", NOON, "fresh")


def test_rows_are_chosen_by_arguments_and_values_typed_or_as_text(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    assert len(rows(kitchen, gain_job(), where={"prewt": "70"})) == 2
    assert len(rows(kitchen, gain_job(), where={"prewt": [70, "8e1"]})) == 4
    assert len(rows(kitchen, gain_job(), where={"gain": "4", "state": "fresh"})) == 1
    assert rows(kitchen, gain_job(), where={"treatment": "Cont"}) == []


def test_columns_are_chosen_ordered_and_paged(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    wanted = {"columns": ["gain"], "order_by": "gain"}
    assert rows(kitchen, gain_job(), **wanted, limit=2, offset=1) == [(3.0,), (4.0,)]
    assert rows(kitchen, gain_job(), **wanted, descending=True, limit=1) == [(8.0,)]
    assert rows(kitchen, gain_job(), columns=["prewt"], descending=True, limit=1) == [(90,)]


def test_missing_values_are_ordered_last(kitchen: Kitchen) -> None:
    job = answering(kitchen, [{"a": None}, {"a": 2}, {"a": 1}])
    assert rows(kitchen, job, columns=["a"], order_by="a", limit=5) == [
        (1,),
        (1,),
        (2,),
        (2,),
        (None,),
    ]


@pytest.mark.parametrize("wanted", [{"columns": ["gian"]}, {"where": {"gian": 1}}])
def test_unknown_column_is_told_with_the_nearest(kitchen: Kitchen, wanted: Any) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    with pytest.raises(ColumnUnknown, match="did you mean 'gain'"):
        kitchen.pantry.table(gain_job(), Selection(**wanted))


def test_table_asks_no_engine(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    calls = len(kitchen.pool.calls)
    rows(kitchen, gain_job())
    kitchen.pantry.freshness(gain_job())
    assert len(kitchen.pool.calls) == calls


def test_rows_job_shows_its_own_table(tmp_path: Path) -> None:
    csv = tmp_path / "diamonds.csv"
    csv.write_text("id,carat\n1,0.5\n2,1.5\n", encoding="utf-8")
    job = price_job(csv)
    kitchen = Kitchen(tmp_path / "state", job)
    kitchen.runner.run(job, Cause.MANUAL)
    table = kitchen.pantry.table(job, Selection(where={"id": 2}))
    assert (table.columns, list(table.rows)) == (("id", "price", "computed_at"), [(2, 3.0, NOON)])
    kitchen.close()


# Freshness


def test_freshness_counts_cells_by_state(kitchen: Kitchen) -> None:
    assert kitchen.pantry.freshness(gain_job()) == JobFreshness(6, 0, 0, 6, None)
    began = kitchen.clock()
    kitchen.runner.run(gain_job(grid=Grid(axes_below_90())), Cause.MANUAL)
    assert kitchen.pantry.freshness(gain_job()) == JobFreshness(6, 4, 0, 2, began)
    kitchen.clock.advance(hours=2)
    assert kitchen.pantry.freshness(gain_job()) == JobFreshness(6, 0, 4, 2, began)
    kitchen.clock.advance(hours=2)
    assert kitchen.pantry.freshness(gain_job()) == JobFreshness(6, 0, 0, 6, None)


def axes_below_90() -> tuple[Axis, ...]:
    return (Axis("treatment", ("CBT", "FT")), Axis("prewt", (70, 80)))


def test_freshness_is_counted_again_only_after_a_change(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    before = kitchen.pantry.freshness(gain_job())
    with monkeypatch.context() as patched:
        patched.setattr(kitchen.pantry.store, "summaries_of", None)
        kitchen.clock.advance(minutes=50)
        assert kitchen.pantry.freshness(gain_job()) is before
    kitchen.pool.versions["scoring"] = "r2"
    kitchen.keeper.publish([gain_job()])
    assert kitchen.pantry.freshness(gain_job()).stale == 6


def test_freshness_of_a_rows_job_counts_its_table(tmp_path: Path) -> None:
    csv = tmp_path / "diamonds.csv"
    csv.write_text("id,carat\n1,0.5\n2,1.5\n", encoding="utf-8")
    job = price_job(csv)
    kitchen = Kitchen(tmp_path / "state", job, pool=FakePool(price=lambda newdata: newdata))
    began = kitchen.clock()
    kitchen.runner.run(job, Cause.MANUAL)
    assert kitchen.pantry.freshness(job) == JobFreshness(2, 2, 0, 0, began)
    kitchen.clock.advance(hours=2)
    assert kitchen.pantry.freshness(job) == JobFreshness(2, 0, 2, 0, began)
    kitchen.close()
