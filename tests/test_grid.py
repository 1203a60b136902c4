"""Grids: order, ranges, exclusions, counts."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import ValueInvalid
from jobs.grid import MAX_CELLS, Axis, Grid, combinations, range_values


def test_the_first_axis_varies_fastest_as_in_expand_grid() -> None:
    grid = Grid((Axis("a", (1, 2)), Axis("b", ("x", "y"))))
    assert [tuple(cell.arguments.values()) for cell in grid.cells()] == [
        (1, "x"),
        (2, "x"),
        (1, "y"),
        (2, "y"),
    ]


def test_a_grid_without_axes_is_one_cell() -> None:
    assert [cell.arguments for cell in Grid().cells()] == [{}]
    assert Grid().count() == 1


def test_a_partial_exclusion_takes_out_every_cell_that_agrees_with_it() -> None:
    axes = (Axis("a", (1, 2, 3)), Axis("b", ("x", "y")))
    grid = Grid(axes, excluded=({"b": "y"}, {"a": 1, "b": "x"}))
    assert [cell.arguments for cell in grid.cells()] == [{"a": 2, "b": "x"}, {"a": 3, "b": "x"}]


def test_an_exclusion_compares_numbers_by_value_and_not_as_text() -> None:
    axes = (Axis("a", (70, 70.5)),)
    assert Grid(axes, excluded=({"a": 70.0},)).count() == 1
    assert Grid(axes, excluded=({"a": "70"},)).count() == 2


def test_included_cells_come_last() -> None:
    grid = Grid((Axis("a", (1,)),), included=({"a": 9},))
    assert [cell.arguments for cell in grid.cells()] == [{"a": 1}, {"a": 9}]


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    data=st.data(),
)
@settings(max_examples=60)
def test_the_count_is_the_number_of_cells(sizes: list[int], data: st.DataObject) -> None:
    axes = tuple(Axis(f"a{i}", tuple(range(size))) for i, size in enumerate(sizes))
    partial = st.dictionaries(st.sampled_from([axis.name for axis in axes]), st.integers(0, 4))
    excluded = tuple(data.draw(st.lists(partial, max_size=5)))
    grid = Grid(axes, excluded)
    assert grid.count() == len(list(grid.cells()))


def test_a_million_cells_are_counted_without_being_made() -> None:
    axes = tuple(Axis(f"a{i}", tuple(range(100))) for i in range(20))
    assert Grid(axes, excluded=({"a0": 0}, {"a19": 5, "a3": 2})).count() == (
        100**20 - 100**19 - 100**18 + 100**17
    )


def test_cells_are_made_one_at_a_time() -> None:
    axes = tuple(Axis(f"a{i}", tuple(range(100))) for i in range(20))
    assert len(list(itertools.islice(Grid(axes).cells(), 3))) == 3


@pytest.mark.parametrize(
    ("ends", "values"),
    [
        ((0, 1, 0.1), (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)),
        ((70, 95, 10), (70, 80, 90)),
        ((-1, 1, 1), (-1, 0, 1)),
        ((5, 5, 1), (5,)),
        ((0.1, 0.3, 0.1), (0.1, 0.2, 0.3)),
    ],
)
def test_ranges_are_exact_in_decimals(
    ends: tuple[float, float, float], values: tuple[float, ...]
) -> None:
    assert range_values(*ends) == values


def test_whole_numbers_of_a_range_are_integers() -> None:
    assert [type(value) for value in range_values(0, 1, 0.5)] == [int, float, int]


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ((1, 0, 1), "'from' (1) is greater than 'to' (0)"),
        ((0, 1, 0), "'by' is 0, but must be more than 0"),
        ((0, 1, -1), "'by' is -1, but must be more than 0"),
        ((0, float("inf"), 1), "'to' must be a finite number"),
        ((0, 1, 1e-9), "the range has 1000000001 values"),
    ],
)
def test_a_range_that_makes_no_sense_says_why(
    ends: tuple[float, float, float], reason: str
) -> None:
    with pytest.raises(ValueInvalid, match=reason.replace("(", r"\(").replace(")", r"\)")):
        range_values(*ends)


def test_too_many_combinations_are_refused_before_they_are_made() -> None:
    assert combinations([MAX_CELLS]) == MAX_CELLS
    with pytest.raises(ValueInvalid, match="2000 x 1000 = 2000000 cells"):
        combinations([2000, 1000])
