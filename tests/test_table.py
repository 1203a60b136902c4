"""Tables: all answers of a job, one under the other; and how many of them are good."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import Kitchen, gain_job, price_job

from api.table import read_format, stream_table
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


def test_numbers_come_before_texts_before_the_rest_either_way(kitchen: Kitchen) -> None:
    answer = [{"a": one} for one in ("b", 2**64 - 1, [1], 1.5, "a", None, True)]
    job = answering(kitchen, answer)
    wanted = {"columns": ["a"], "where": {"treatment": "CBT"}, "order_by": "a"}
    rising = [True, 1.5, 2**64 - 1, "a", "b", [1], None]
    assert rows(kitchen, job, **wanted) == [(one,) for one in rising]
    assert rows(kitchen, job, **wanted, descending=True) == [(one,) for one in rising[::-1]]


def test_rows_that_are_equal_in_order_stay_as_they_came(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    wanted = {"columns": ["treatment", "prewt"], "order_by": "treatment", "limit": 3}
    weights = [70, 80, 90]
    assert rows(kitchen, gain_job(), **wanted) == [("CBT", prewt) for prewt in weights]
    down = rows(kitchen, gain_job(), **wanted, descending=True)
    assert down == [("FT", prewt) for prewt in weights]


def test_table_of_many_cells_takes_no_memory_for_each(kitchen: Kitchen) -> None:
    few, many = 600, 3000
    arguments = gain_job().arguments
    prewt = replace(arguments[1], max=None)
    grid = Grid((Axis("treatment", ("CBT",)), Axis("prewt", tuple(range(70, 70 + many)))))
    job = gain_job(grid=grid, arguments=(arguments[0], prewt, arguments[2]))
    (first, *others) = job.cells()
    small = replace(job, grid=Grid((grid.axes[0], Axis("prewt", grid.axes[1].values[:few]))))
    kitchen.runner.run(replace(job, grid=Grid((grid.axes[0], Axis("prewt", (70,))))), Cause.MANUAL)
    entry = kitchen.pantry.store.get(job.cache_key(first.arguments))
    assert entry is not None
    kitchen.pantry.store.put_many(
        replace(entry, cache_key=job.cache_key(cell.arguments)) for cell in others
    )

    def peak(of: Job) -> int:
        tracemalloc.start()
        for form in ("json", "csv", "ndjson"):
            wanted = Selection(order_by="gain", descending=True)
            assert sum(map(len, stream_table(kitchen.pantry, of, wanted, form)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(small)
    assert peak(job) - peak(small) < (many - few) * 200


def test_rows_laid_aside_are_gone_with_the_table(kitchen: Kitchen) -> None:
    kitchen.runner.run(gain_job(), Cause.MANUAL)
    table = kitchen.pantry.table(gain_job())
    next(table.rows)
    assert held_in(kitchen.pantry.rows_folder)
    del table
    assert held_in(kitchen.pantry.rows_folder) == []
    assert list(kitchen.pantry.rows_folder.glob(".pile-*")) == []


def held_in(folder: Path) -> list[Path]:
    """The files of a folder that this process has open, those without a name included."""
    ends = (one.readlink() for one in Path("/proc/self/fd").iterdir() if one.is_symlink())
    return [end for end in ends if end.parent == folder]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '[\n{"value":1},\n{"value":1}\n]\n'),
        ("ndjson", '{"value":1}\n{"value":1}\n'),
        ("csv", "value\r\n1\r\n1\r\n"),
    ],
)
def test_table_is_streamed_in_three_formats(kitchen: Kitchen, form: str, text: str) -> None:
    job = answering(kitchen, 1)
    pieces = stream_table(kitchen.pantry, job, Selection(columns=["value"]), form)
    assert b"".join(pieces).decode() == text


@pytest.mark.parametrize(
    ("ending", "query", "accept", "form"),
    [
        ("csv", "json", "", "csv"),
        ("", "ndjson", "text/csv", "ndjson"),
        ("", "", "text/csv;q=0.9, */*", "csv"),
        ("", "", "application/x-ndjson", "ndjson"),
        ("", "", "text/html, */*", "json"),
    ],
)
def test_format_is_that_of_the_path_then_the_query_then_accept(
    ending: str, query: str, accept: str, form: str
) -> None:
    assert read_format(ending, [("format", query)], accept) == form


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
