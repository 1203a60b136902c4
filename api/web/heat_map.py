"""The heat map of a grid: two arguments across, one cell for each pair of their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from cache.entry import Entry, EntrySummary, State, Version
from cache.keys import Value
from jobs.grid import Axis
from jobs.job import Job
from jobs.outputs import EXACT
from jobs.pantry import Pantry
from jobs.r_values import plain_values

MOST_ACROSS: Final = 60
MOST_DOWN: Final = 60
BY_AGE: Final = "age"
SHADES: Final = 9
"""How many colours a value can have; the style sheet has a class for each."""


@dataclass(frozen=True)
class HeatCell:
    """One cell of the map.

    Attributes:
        arguments: All of them, as a query string; empty where the grid leaves the pair out.
        state: fresh, stale or missing; empty where the grid leaves the pair out.
        computed_at: Of its answer, if there is one.
        shade: 0 to SHADES - 1 by age or value; None where there is nothing to show.
        value: What is shown by value; None by age.
    """

    arguments: str
    state: str
    computed_at: datetime | None
    shade: int | None
    value: float | None


@dataclass(frozen=True)
class HeatMap:
    """A part of the grid.

    Attributes:
        across: The argument whose values are the columns; empty where the grid has one axis.
        down: The argument whose values are the rows.
        columns: Values across, as text; no more than MOST_ACROSS.
        rows: Values down, each with its cells; no more than MOST_DOWN.
        others: The arguments that are held, each with the value chosen and those there are.
        arguments: All arguments that can be an axis.
        by: `age`, or the column of the answers that gives the colour.
        columns_of_answers: Those that can give it.
        low, high: What the first and the last colour stand for; None where nothing has one.
        is_cut: Whether some values are left out, as there are too many.
    """

    across: str
    down: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    others: tuple[tuple[str, str, tuple[str, ...]], ...]
    arguments: tuple[str, ...]
    by: str
    columns_of_answers: tuple[str, ...]
    low: float | None
    high: float | None
    is_cut: bool


def heat_map(job: Job, pantry: Pantry, asked: Mapping[str, str]) -> HeatMap | None:
    """Returns the map that a query asks for; None for a job without the axes of a grid.

    Args:
        job: The job.
        pantry: What is stored.
        asked: `across`, `down`, `by`, and a value for each argument that is held.

    Raises:
        StoreUnavailable: What is stored cannot be read.
    """
    axes = {axis.name: axis for axis in job.grid.axes} if job.grid else {}
    if not axes or job.grid is None:
        return None
    across, down = _chosen(axes, asked)
    held = {
        name: _held(axis, asked.get(name, ""))
        for name, axis in axes.items()
        if name not in (across, down)
    }
    columns = axes[across].values[:MOST_ACROSS] if across else (None,)
    rows = axes[down].values[:MOST_DOWN]
    cells = [
        [_arguments(job, held, (across, column), (down, row)) for column in columns] for row in rows
    ]
    found = _Found(job, pantry, asked.get("by", BY_AGE))
    found.read([one for line in cells for one in line if one is not None])
    shown = tuple(
        (_text(row), tuple(found.cell(one) for one in line))
        for row, line in zip(rows, cells, strict=True)
    )
    return HeatMap(
        across=across,
        down=down,
        columns=tuple(_text(column) for column in columns) if across else ("",),
        rows=shown,
        others=tuple(
            (name, _text(value), tuple(_text(one) for one in axes[name].values[:200]))
            for name, value in held.items()
        ),
        arguments=tuple(axes),
        by=found.by,
        columns_of_answers=found.columns,
        low=found.low,
        high=found.high,
        is_cut=len(axes[down].values) > MOST_DOWN
        or bool(across and len(axes[across].values) > MOST_ACROSS),
    )


class _Found:
    """The answers of the cells that are shown."""

    def __init__(self, job: Job, pantry: Pantry, by: str) -> None:
        self._job = job
        self._pantry = pantry
        self._version: Version | None = pantry.versions.current(job.name)
        self._now = pantry.clock()
        self.by = by
        self.columns: tuple[str, ...] = ()
        self.low: float | None = None
        self.high: float | None = None
        self._summaries: dict[str, EntrySummary] = {}
        self._values: dict[str, float] = {}

    def read(self, cells: Sequence[Mapping[str, Value]]) -> None:
        """Looks all of them up at once."""
        keys = [self._job.cache_key(arguments) for arguments in cells]
        self._summaries = self._pantry.store.summaries_of(keys)
        first = next((key for key in keys if key in self._summaries), None)
        if first is not None and (entry := self._pantry.store.get(first)) is not None:
            self.columns = tuple(_numbers(entry))
        if self.by not in self.columns:
            self.by = BY_AGE
        self._values = dict(self._measured(keys))
        if self._values:
            self.low, self.high = min(self._values.values()), max(self._values.values())

    def _measured(self, keys: Sequence[str]) -> Iterator[tuple[str, float]]:
        for key in keys:
            summary = self._summaries.get(key)
            if summary is None or summary.state(self._now, self._version) is State.MISS:
                continue
            if self.by == BY_AGE:
                yield key, (self._now - summary.computed_at).total_seconds()
            elif (entry := self._pantry.store.get(key)) is not None:
                value = _numbers(entry).get(self.by)
                if value is not None:
                    yield key, value

    def cell(self, arguments: Mapping[str, Value] | None) -> HeatCell:
        """What is shown of one cell."""
        if arguments is None:
            return HeatCell("", "", None, None, None)
        key = self._job.cache_key(arguments)
        summary = self._summaries.get(key)
        state = summary.state(self._now, self._version) if summary else State.MISS
        there = summary is not None and state is not State.MISS
        value = self._values.get(key)
        return HeatCell(
            urlencode({name: _text(one) for name, one in arguments.items()}),
            {State.FRESH: "fresh", State.STALE: "stale", State.MISS: "missing"}[state],
            summary.computed_at if summary and there else None,
            self._shade(value),
            None if self.by == BY_AGE else value,
        )

    def _shade(self, value: float | None) -> int | None:
        if value is None or self.low is None or self.high is None:
            return None
        if self.high == self.low:
            return 0
        return min(SHADES - 1, int(SHADES * (value - self.low) / (self.high - self.low)))


def _chosen(axes: Mapping[str, Axis], asked: Mapping[str, str]) -> tuple[str, str]:
    """The arguments across and down: as asked, else the two longest, the longest across."""
    if len(axes) == 1:
        return "", next(iter(axes))
    by_length = sorted(axes, key=lambda name: -len(axes[name].values))
    across = asked.get("across", "")
    across = across if across in axes else next(n for n in by_length if n != asked.get("down"))
    down = asked.get("down", "")
    if down not in axes or down == across:
        down = next(name for name in by_length if name != across)
    return across, down


def _held(axis: Axis, text: str) -> Value:
    return next((value for value in axis.values if _text(value) == text), axis.values[0])


def _arguments(
    job: Job, held: Mapping[str, Value], *pairs: tuple[str, Value | None]
) -> dict[str, Value] | None:
    """All arguments of a cell; None where the grid leaves it out."""
    chosen = {**held, **{name: value for name, value in pairs if name}}
    if job.grid is None or not job.grid.has(chosen):
        return None
    return job.complete(chosen)


def _numbers(entry: Entry) -> dict[str, float]:
    """The numbers of an answer by their columns; those of its first row, if it has several."""
    body = entry.bodies.get(EXACT)
    if body is None:
        return {}
    value: Any = orjson.loads(body.content)
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        value = {"value": value}
    return {
        name: float(one)
        for name, one in value.items()
        if isinstance(one, int | float) and not isinstance(one, bool)
    }


def _text(value: Value | None) -> str:
    plain = plain_values({"value": value})["value"]
    if isinstance(plain, bool):
        return "TRUE" if plain else "FALSE"
    if isinstance(plain, str):
        return plain
    return orjson.dumps(plain).decode()
