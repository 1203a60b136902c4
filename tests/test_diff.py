"""Differences: what answers say otherwise than before, in the library and over HTTP."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prepared import ask
from test_as_of import Past

from jobs.difference import Difference, Kind, find_difference, find_sides
from jobs.errors import NoAnswerThen, RunNotFound, ValueInvalid
from jobs.grid import Axis, Grid
from jobs.job_set import JobSet
from jobs.value_parts import Part, parts_of


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        (1.0, 1.5, [Part("", 1.0, 1.5, 0.5, 0.5)]),
        ([-2.0], [-1.0], [Part("", -2.0, -1.0, 1.0, 0.5)]),
        (0, 3, [Part("", 0, 3, 3.0, None)]),
        ([1, 2], [1, 4], [Part("[2]", 2, 4, 2.0, 1.0)]),
        ([1], [1, 4], [Part("[2]", None, 4)]),
        ("low", "high", [Part("", "low", "high")]),
        (1, True, [Part("", 1, True)]),
        ([None], [2.0], [Part("", None, 2.0)]),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, [Part("b$c", 2, 3, 1.0, 0.5)]),
        ({"a": 1}, {"b": 1}, [Part("a", 1, None), Part("b", None, 1)]),
        ([{"a": 1, "b": "x"}], [{"a": 2, "b": "x"}], [Part("a", 1, 2, 1.0, 1.0)]),
        (
            {"fit": [{"a": 1}, {"a": 2}]},
            {"fit": [{"a": 1}, {"a": 3}]},
            [Part("fit$a[2]", 2, 3, 1.0, 0.5)],
        ),
        ([{"a": [1, 2]}], [{"a": [1, 2]}], []),
    ],
)
def test_parts_that_differ_are_told_by_their_way(before: Any, after: Any, parts: Any) -> None:
    assert list(parts_of(before, after)) == parts


def test_number_too_large_for_a_difference_is_only_told() -> None:
    assert list(parts_of(-1.7e308, 1.7e308)) == [Part("", -1.7e308, 1.7e308)]
    assert math.isinf(-1.7e308 - 1.7e308)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    opened = Past(tmp_path)
    yield opened
    opened.kitchen.close()


def difference(past: Past, job: str, *texts: str, limit: int = 100) -> Difference:
    kitchen = past.kitchen
    definition = kitchen.pantry.jobs.job(job)
    before, after = [*texts, None, None][:2]
    sides = find_sides(kitchen.catalog, definition, before, after, kitchen.clock())
    return find_difference(kitchen.pantry, kitchen.catalog, definition, sides, limit=limit)


def test_cells_are_compared_by_the_size_of_their_change(past: Past) -> None:
    past.run("weight_gain")
    past.gain = lambda **given: [{"gain": given["prewt"] / 10 * (1 + (given["prewt"] > 70))}]  # type: ignore[method-assign]
    past.kitchen.pool.functions["gain"] = past.gain
    past.run("weight_gain", days=1)
    found = difference(past, "weight_gain", limit=3)
    assert (found.before.run, found.after.run) == (1, 2)
    assert (found.same, found.counts) == (
        2,
        {Kind.CHANGED: 4, Kind.APPEARED: 0, Kind.DISAPPEARED: 0},
    )
    told = [(one.arguments["prewt"], one.parts) for one in found.changes]
    assert told[0] == (90, (Part("gain", 9.0, 18.0, 9.0, 1.0),))
    assert [prewt for prewt, _ in told] == [90, 90, 80]


def test_run_that_found_all_fresh_is_none_of_the_last_two(past: Past) -> None:
    past.run("weight_gain")
    past.change(1.0, "v1")
    past.run("weight_gain", hours=2)
    past.run("weight_gain")
    found = difference(past, "weight_gain")
    assert (found.before.run, found.after.run) == (1, 2)
    assert found.counts[Kind.CHANGED] == 6


def test_cells_come_and_go_with_the_grid(past: Past) -> None:
    past.run("weight_gain")
    other = Grid((Axis("treatment", ("CBT",)), Axis("prewt", (80, 100))))
    past.kitchen.pantry.use(JobSet([replace(past.gains, grid=other)]))
    past.run("weight_gain", hours=2)
    found = difference(past, "weight_gain", "1", "2")
    assert found.same == 1
    assert found.counts == {Kind.CHANGED: 0, Kind.APPEARED: 1, Kind.DISAPPEARED: 5}


def test_cell_of_another_seed_is_the_same_cell(past: Past) -> None:
    past.run("weight_gain")
    past.add = 1.0
    past.kitchen.pantry.use(JobSet([replace(past.gains, seed=7)]))
    past.run("weight_gain", hours=2)
    counts = difference(past, "weight_gain", "1", "2").counts
    assert counts == {Kind.CHANGED: 6, Kind.APPEARED: 0, Kind.DISAPPEARED: 0}


def test_rows_are_compared_with_dates(past: Past) -> None:
    past.run("prices")
    (past.folder / "stones.csv").write_text("id,carat\n1,0.5\n3,4\n")
    past.change(0.0, "v1")
    past.run("prices", days=1)
    found = difference(past, "prices", "2026-10-01")
    assert found.same == 1
    assert [(one.kind, one.arguments, one.before, one.after) for one in found.changes] == [
        (Kind.DISAPPEARED, {"id": 2}, {"price": 2.0}, None),
        (Kind.APPEARED, {"id": 3}, None, {"price": 8.0}),
    ]


def test_what_was_swept_cannot_be_compared(past: Past) -> None:
    past.run("weight_gain")
    past.add = 1.0
    past.run("weight_gain", days=1)
    past.kitchen.pantry.store.history.expire(past.kitchen.clock.advance(days=365))
    with pytest.raises(NoAnswerThen, match="the earliest that is kept"):
        difference(past, "weight_gain", "1", "2")


def test_sides_that_are_none_are_refused(past: Past) -> None:
    with pytest.raises(RunNotFound, match="before the last one"):
        difference(past, "weight_gain")
    past.run("weight_gain")
    past.run("prices")
    with pytest.raises(RunNotFound, match="that is one of prices"):
        difference(past, "weight_gain", "2")
    past.kitchen.clock.advance(days=1)
    with pytest.raises(ValueInvalid, match="is after"):
        difference(past, "weight_gain", "2026-10-02", "1")


def test_difference_over_http(past: Past) -> None:
    past.run("weight_gain")
    past.add = 1.0
    past.run("weight_gain", days=1)
    kitchen = past.kitchen
    path = "/v1/jobs/weight_gain/diff?from=1&to=2&limit=1"
    answer = ask(kitchen.pantry, past.folder, "GET", path, catalog=kitchen.catalog).json()
    assert (answer["changed"], answer["same"], len(answer["changes"])) == (6, 0, 1)
    assert (answer["from"]["run"], answer["to"]["run"]) == (1, 2)
    (part,) = answer["changes"][0]["parts"]
    assert (part["path"], part["after"] - part["before"], part["change"]) == ("gain", 1.0, 1.0)
    wrong = ask(kitchen.pantry, past.folder, "GET", path.replace("1", "9"), catalog=kitchen.catalog)
    assert wrong.status_code == 404
