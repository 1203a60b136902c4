"""The prepared cell that is nearest to arguments that were not prepared; pure."""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from itertools import takewhile

from cache.keys import Value
from jobs.argument import identity
from jobs.grid import Axis, Grid
from jobs.job import Job

_FAR = 2.0
_LIKELY = 50  # keys that begin alike, of which the most similar one is taken


@dataclass(frozen=True)
class Difference:
    """An argument in which a cell differs from what was asked."""

    argument: str
    asked: Value
    prepared: Value


@dataclass(frozen=True)
class NearCell:
    """The cell, and in what it differs: first of all in as few arguments as possible."""

    arguments: dict[str, Value]
    differences: tuple[Difference, ...]


def near_cell(job: Job, asked: Mapping[str, Value]) -> NearCell | None:
    """The cell of the job's grid nearest to `asked`; None if it has none.

    Arguments that `asked` lacks may have any value.
    """
    found = list(_candidates(job, asked))
    if not found:
        return None
    cell = min(found, key=lambda one: sum(_distance(asked, *pair) for pair in one.items()))
    differences = tuple(
        Difference(name, asked[name], value)
        for name, value in cell.items()
        if name in asked and identity(asked[name]) != identity(value)
    )
    return NearCell(cell, differences)


def near_value(values: Sequence[Value], asked: Value) -> Value | None:
    """The value nearest to the one asked for; None if there are no values."""
    return min(values, key=lambda value: _distance({"": asked}, "", value), default=None)


def near_key(keys: Iterable[int | str], asked: int | str) -> int | str | None:
    """The key most like the one asked for; None if there are no keys."""
    if isinstance(asked, int):
        numbers = (key for key in keys if isinstance(key, int))
        return min(numbers, key=lambda key: abs(key - asked), default=None)
    likely = heapq.nlargest(_LIKELY, map(str, keys), key=lambda key: _common(key, asked))
    return max(likely, key=lambda key: SequenceMatcher(None, key, asked).ratio(), default=None)


def _candidates(job: Job, asked: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    if job.grid is None:
        return
    for arguments in (*_combination(job.grid, asked), *job.grid.included):
        yield job.complete(arguments)


def _combination(grid: Grid, asked: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """The nearest combination of the axes that is left in, the excluded ones stepped over."""
    ranked = [sorted(_distances(asked, axis)) for axis in grid.axes]
    if not all(ranked):
        return
    first = (0,) * len(ranked)
    waiting = [(0.0, first)]
    seen = {first}
    while waiting:
        _, ranks = heapq.heappop(waiting)
        places = [column[rank][1] for column, rank in zip(ranked, ranks, strict=True)]
        pairs = zip(grid.axes, places, strict=True)
        cell = {axis.name: axis.values[place] for axis, place in pairs}
        if grid.has(cell):
            yield cell
            return
        for following in _following(ranks, ranked):
            if following not in seen:
                seen.add(following)
                pairs_of = zip(ranked, following, strict=True)
                cost = sum(column[rank][0] for column, rank in pairs_of)
                heapq.heappush(waiting, (cost, following))


def _distances(asked: Mapping[str, Value], axis: Axis) -> Iterator[tuple[float, int]]:
    """Distance and place of each value; among many texts only those that begin alike are near."""
    text = asked.get(axis.name)
    places = range(len(axis.values))
    if not isinstance(text, str) or len(places) <= _LIKELY:
        yield from ((_distance(asked, axis.name, axis.values[at]), at) for at in places)
        return
    here = axis.position(text)
    likely = heapq.nlargest(_LIKELY, places, key=lambda at: _common(str(axis.values[at]), text))
    near = {*likely, *([] if here is None else [here])}
    for at in places:
        yield (_distance(asked, axis.name, axis.values[at]) if at in near else _FAR), at


def _following(
    ranks: tuple[int, ...], ranked: Sequence[Sequence[object]]
) -> Iterable[tuple[int, ...]]:
    for axis, rank in enumerate(ranks):
        if rank + 1 < len(ranked[axis]):
            yield (*ranks[:axis], rank + 1, *ranks[axis + 1 :])


def _distance(asked: Mapping[str, Value], name: str, value: Value) -> float:
    """0 for the same value, else between 1 and 2."""
    if name not in asked or identity(asked[name]) == identity(value):
        return 0.0
    pair = (_measure(asked[name]), _measure(value))
    if pair[0] is not None and pair[1] is not None:
        apart = abs(pair[0] - pair[1])
        return _FAR if math.isinf(apart) else 1 + apart / (1 + apart)
    return _FAR - SequenceMatcher(None, str(asked[name]).casefold(), str(value).casefold()).ratio()


def _measure(value: Value) -> float | None:
    """The value as a number: numbers, and days."""
    if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
        return float(value)
    if isinstance(value, str):
        try:
            return float(date.fromisoformat(value).toordinal())
        except ValueError:
            return None
    return None


def _common(key: str, asked: str) -> int:
    """How many characters both begin with."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(key, asked, strict=False))
    return sum(1 for _ in alike)
