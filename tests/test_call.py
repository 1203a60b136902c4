"""Calls on their way to R: values in forms that R reads as they were meant."""

import math
from pathlib import Path

import pytest
from kitchen import gain_job

from cache.keys import MISSING, Code, SessionObject, Upload, Value
from engine.call import Argument, FunctionCall
from jobs.call import Call, call_of_cell, call_of_query, is_prepared
from jobs.errors import ValueInvalid
from jobs.grid import Grid
from jobs.r_values import engine_arguments, plain_values


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("CBT", "text", "CBT"),
        ("TRUE", "text", "TRUE"),
        (True, "json", "true"),
        (None, "json", "null"),
        (70, "json", "70.0"),
        (0.95, "json", "0.95"),
        (math.nan, "code", "NaN"),
        (-math.inf, "code", "-Inf"),
        (10**400, "code", "Inf"),
        (MISSING, "code", "NA"),
        ([1, 2.5, None], "json", "[1.0,2.5,null]"),
        ({"a": [True, 3]}, "json", '{"a":[true,3.0]}'),
        (Code("1:3"), "code", "1:3"),
        (Upload("visits.csv", "d1"), "file", "visits.csv"),
        (SessionObject("x0123456789abcd"), "code", "x0123456789abcd"),
        (SessionObject("x0123456789abcd", "fit"), "code", "x0123456789abcd::fit"),
    ],
)
def test_value_reaches_r_as_it_was_meant(value: Value, kind: str, text: str) -> None:
    (argument,) = engine_arguments({"x": value})
    assert (argument.name, argument.kind, argument.value) == ("x", kind, text)


def test_value_that_r_cannot_be_given_is_told_by_its_name() -> None:
    with pytest.raises(ValueInvalid, match="x cannot be given to R"):
        engine_arguments({"x": [Code("1:3")]})


def test_arguments_are_kept_as_plain_json() -> None:
    values: dict[str, Value] = {
        "a": 1,
        "b": Code("1:3"),
        "c": MISSING,
        "d": math.inf,
        "e": Upload("visits.csv", "d1"),
    }
    assert plain_values(values) == {
        "a": 1,
        "b": {"r": "1:3"},
        "c": {"r": "NA"},
        "d": {"r": "Inf"},
        "e": {"file": "visits.csv"},
    }


def test_cell_is_called_with_every_argument_and_the_seed() -> None:
    job = gain_job(seed=20260101)
    cell = next(job.cells())
    call = call_of_cell(job, cell).for_engine(job)
    assert (call.package, call.function, call.seed) == ("scoring", "gain", 20260101)
    assert [argument.name for argument in call.arguments] == ["treatment", "prewt", "level"]


def test_query_means_the_same_call_as_its_cell() -> None:
    job = gain_job()
    asked = job.arguments_from_query([("prewt", "70"), ("treatment", "CBT")])
    assert call_of_query(job, asked) == call_of_cell(job, next(job.cells()))


def test_request_goes_as_it_came_with_the_defaults_it_leaves_out() -> None:
    request = FunctionCall("scoring", "gain", (Argument("treatment", "code", "'CBT'"),))
    call = Call("scoring::gain", {"treatment": "CBT"}, request)
    assert call.for_engine(gain_job()).arguments == (
        Argument("treatment", "code", "'CBT'"),
        Argument("level", "json", "0.95"),
    )


def test_request_with_arguments_that_r_matches_itself_gets_no_defaults() -> None:
    request = FunctionCall("scoring", "gain", (Argument("...", "code", "'CBT', 80, 0.9"),))
    call = Call("scoring::gain", {"...": Code("'CBT', 80, 0.9")}, request)
    assert call.for_engine(gain_job()).arguments == request.arguments


def test_request_without_a_job_goes_exactly_as_it_came() -> None:
    request = FunctionCall(None, "f", session_key="x0123456789abcd")
    assert Call("x0123456789abcd::f", {}, request).for_engine() is request


def test_call_with_uploads_cannot_be_repeated_later() -> None:
    def place(stage: Path) -> None:
        (stage / "a.csv").touch()

    assert Call("utils::read.csv").repeatable
    assert not Call("utils::read.csv", place_inputs=place).repeatable


@pytest.mark.parametrize(
    ("arguments", "prepared"),
    [
        ({"treatment": "CBT", "prewt": 80}, True),
        ({"treatment": "CBT", "prewt": 80.0, "level": 0.95}, True),
        ({"treatment": "CBT", "prewt": 80, "level": 0.9}, False),
        ({"treatment": "CBT", "prewt": 85}, False),
        ({"treatment": "FT", "prewt": 70}, False),  # excluded
        ({"treatment": "FT", "prewt": 100, "level": 0.5}, True),  # included
        ({"treatment": "CBT", "prewt": 80, "other": 1}, False),
    ],
)
def test_cells_of_the_grid_are_the_prepared_ones(
    arguments: dict[str, Value], *, prepared: bool
) -> None:
    plain = gain_job().grid
    grid = Grid(
        plain.axes if plain else (),
        excluded=({"treatment": "FT", "prewt": 70},),
        included=({"treatment": "FT", "prewt": 100, "level": 0.5},),
    )
    assert is_prepared(gain_job(grid=grid), arguments) is prepared
