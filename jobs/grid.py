"""Grid: the cells of a job, in the order of R's expand.grid(); pure."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from cache.keys import Value
from jobs.argument import identity
from jobs.axis_source import AxisSource
from jobs.errors import ValueInvalid
from jobs.shown import shown_number

MAX_CELLS = 1_000_000
"""More cells than this in one grid is taken for a mistake."""
_FAR_TOO_MANY = 10**12


@dataclass(frozen=True)
class Cell:
    """One argument set of a job."""

    arguments: dict[str, Value]


@dataclass(frozen=True)
class Axis:
    """An argument and the values it takes in the grid.

    Attributes:
        name: The argument.
        values: The values; those of a source are what is known of it.
        source: Where a run reads the values again, or None.
    """

    name: str
    values: tuple[Value, ...]
    source: AxisSource | None = None

    def position(self, value: Value) -> int | None:
        """Which of the values it is, or None."""
        return self._positions.get(identity(value))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {identity(value): position for position, value in enumerate(self.values)}


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes, less the excluded, and then the included.

    Attributes:
        axes: The axes; the first varies fastest.
        excluded: Partial argument sets; a combination that agrees with one of them is left out.
        included: Further argument sets, none of which is a combination that is left in.
    """

    axes: tuple[Axis, ...] = ()
    excluded: tuple[Mapping[str, Value], ...] = ()
    included: tuple[Mapping[str, Value], ...] = ()

    def count(self) -> int:
        """The number of cells, without making them."""
        return _count(self.axes, self._holes()) + len(self.included)

    def cells(self) -> Iterator[Cell]:
        """The cells."""
        sizes = [range(len(axis.values)) for axis in reversed(self.axes)]
        for turned in itertools.product(*sizes):
            positions = turned[::-1]  # the first axis is to vary fastest
            if not self._left_out.take(positions):
                pairs = zip(self.axes, positions, strict=True)
                yield Cell({axis.name: axis.values[at] for axis, at in pairs})
        for arguments in self.included:
            yield Cell(dict(arguments))

    def has(self, arguments: Mapping[str, Value]) -> bool:
        """Whether the axes' part of `arguments` is a combination that is left in."""
        positions = [
            axis.position(arguments[axis.name]) if axis.name in arguments else None
            for axis in self.axes
        ]
        found = tuple(at for at in positions if at is not None)
        return len(found) == len(self.axes) and not self._left_out.take(found)

    @cached_property
    def _left_out(self) -> "_Holes":
        return _Holes(self._holes(), len(self.axes))

    def _holes(self) -> list[dict[int, int]]:
        """The excluded, as positions on axes; one that names no value of the grid is none."""
        by_name = {axis.name: number for number, axis in enumerate(self.axes)}
        holes = []
        for partial in self.excluded:
            known = [
                (by_name[name], self.axes[by_name[name]].position(value))
                for name, value in partial.items()
                if name in by_name
            ]
            hole = {number: at for number, at in known if at is not None}
            if hole and len(hole) == len(partial):
                holes.append(hole)
        return holes


class _Holes:
    """Answers whether a combination is excluded; whole ones are looked up, not searched for."""

    def __init__(self, holes: list[dict[int, int]], axes: int) -> None:
        self._whole = {tuple(hole[a] for a in range(axes)) for hole in holes if len(hole) == axes}
        self._partial = [tuple(hole.items()) for hole in holes if len(hole) < axes]

    def take(self, positions: tuple[int, ...]) -> bool:
        if positions in self._whole:
            return True
        return any(all(positions[a] == at for a, at in hole) for hole in self._partial)


def _count(axes: Sequence[Axis], holes: list[dict[int, int]], number: int = 0) -> int:
    """Combinations of the axes from `number` on that no hole takes; grows with holes, not cells."""
    if any(not hole for hole in holes):
        return 0
    if number == len(axes):
        return 1
    free = [hole for hole in holes if number not in hole]
    named = {hole[number] for hole in holes if number in hole}
    others = len(axes[number].values) - len(named)
    total = others * _count(axes, free, number + 1) if others else 0
    for at in named:
        left = [
            {axis: value for axis, value in hole.items() if axis != number}
            for hole in holes
            if hole.get(number, at) == at
        ]
        total += _count(axes, left, number + 1)
    return total


def combinations(sizes: Sequence[int]) -> int:
    """The number of combinations before anything is excluded.

    Raises:
        ValueInvalid: If there are more than `MAX_CELLS`.
    """
    total = 1
    for size in sizes:
        total *= size
    if total > MAX_CELLS:
        product = " x ".join(str(size) for size in sizes)
        raise ValueInvalid(
            f"the grid has {product} = {total} cells; at most {MAX_CELLS} are allowed",
            "take larger steps, or leave an argument out: it is then computed on demand",
        )
    return total


def range_faults(start: float, stop: float, step: float) -> dict[str, ValueInvalid]:
    """What is wrong with a range, by the key that should be changed."""
    faults = {
        key: ValueInvalid(f"'{key}' must be a finite number", "a grid has an end")
        for key, number in (("from", start), ("to", stop), ("by", step))
        if not math.isfinite(number)
    }
    if step <= 0:
        reason = f"'by' is {shown_number(step)}, but must be more than 0"
        faults["by"] = ValueInvalid(reason, "write the range upwards")
    if start > stop:
        reason = f"'from' ({shown_number(start)}) is greater than 'to' ({shown_number(stop)})"
        faults["from"] = ValueInvalid(reason, "swap them")
    return faults


def range_values(start: float, stop: float, step: float) -> tuple[int | float, ...]:
    """The numbers from `start` by `step` up to `stop`, exact in decimals (no 0.30000000000000004).

    Raises:
        ValueInvalid: If the range has no values or too many.
    """
    for fault in range_faults(start, stop, step).values():
        raise fault
    low, high, by = (Decimal(repr(number)) for number in (start, stop, step))
    count = int((high - low) / by) + 1
    if count > MAX_CELLS:
        shown = count if count < _FAR_TOO_MANY else f"about {Decimal(count):.0e}"
        raise ValueInvalid(
            f"the range has {shown} values; at most {MAX_CELLS} are allowed", "take a larger step"
        )
    values = (low + by * number for number in range(count))
    return tuple(int(value) if value == int(value) else float(value) for value in values)
