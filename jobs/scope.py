"""Scope: which cells, or rows, of a job a run is asked to compute."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from cache.entry import State
from cache.keys import Value
from jobs.argument import ArgumentSpec, identity
from jobs.argument_fault import ArgumentFault
from jobs.errors import ArgumentInvalid
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.near_cell import near_value
from jobs.nearest import did_you_mean
from jobs.shown import shown
from jobs.why import Why


class Only(StrEnum):
    """Which of them, by what is stored."""

    STALE = "stale"
    """Those with an answer that is served, but is not fresh."""
    MISSING = "missing"
    """Those without an answer that may be served."""
    FAILED = "failed"
    """Those that the last run could not compute, and that nobody has computed since."""
    ALL = "all"
    """Fresh ones too."""


@dataclass(frozen=True)
class Scope:
    """What a run is asked for; by default everything that is not fresh.

    Attributes:
        where: Texts that an argument may have, by its name; of a rows job, of its key.
        only: Which of those.
    """

    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: Only | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the run looks after every cell of the job."""
        return not self.where and self.counts_fresh

    @property
    def counts_fresh(self) -> bool:
        """Whether fresh cells belong to what was asked for, so that they are counted as fresh."""
        return self.only in {None, Only.ALL}

    def wants(self, why: Why, *, failed: bool = False) -> bool:
        """Whether a cell in this state is computed; `failed`: the last run could not."""
        if self.only is None:
            return why not in {Why.FRESH, Why.SAME_INPUT}
        if self.only is Only.FAILED:
            return failed
        state = {Only.STALE: State.STALE, Only.MISSING: State.MISS}.get(self.only)
        return state is None or why.state is state

    def to_json(self) -> dict[str, Any] | None:
        """Its plain form; None for everything that is not fresh."""
        if self == NOT_FRESH:
            return None
        where = {name: list(texts) for name, texts in self.where.items()}
        return {"where": where, "only": self.only and self.only.value}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any] | None) -> "Scope":
        """The scope that `to_json` wrote."""
        if plain is None:
            return NOT_FRESH
        where = {name: tuple(texts) for name, texts in plain["where"].items()}
        return cls(where, Only(plain["only"]) if plain["only"] else None)


NOT_FRESH: Final = Scope()
EVERYTHING: Final = Scope(only=Only.ALL)


def narrowed(job: Job, scope: Scope) -> Job:
    """The job with those cells alone that `scope.where` names; a rows job as it is.

    Raises:
        ArgumentInvalid: An argument is unknown, or no cell has these values; with every fault.
    """
    if job.rows is not None:
        _check_rows(job, job.rows.key, scope)
        return job
    if not scope.where:
        return job
    grid = job.grid or Grid((Axis("", ()),))
    wanted: dict[str, frozenset[str]] = {}
    faults: list[ArgumentFault] = []
    for name, texts in scope.where.items():
        spec = job.argument(name)
        if spec is None:
            names = [one.name for one in job.arguments]
            hint = did_you_mean(name, names, otherwise=f"its arguments: {', '.join(names)}")
            faults.append(ArgumentFault(name, f"there is no argument {name}", hint))
        else:
            try:
                wanted[name] = _values(job, grid, spec, texts)
            except ArgumentInvalid as error:
                faults += error.faults
    if faults:
        raise ArgumentInvalid(faults, job.name)
    smaller = _only_with(job, grid, wanted)
    if not smaller.count():
        told = " and ".join(f"{name} {' or '.join(texts)}" for name, texts in scope.where.items())
        raise ArgumentInvalid([ArgumentFault(next(iter(wanted)), f"no cell has {told}")], job.name)
    return replace(job, grid=smaller)


def _values(job: Job, grid: Grid, spec: ArgumentSpec, texts: tuple[str, ...]) -> frozenset[str]:
    """The identities of the values; each has to be that of some cell."""
    there = {identity(value): value for value in _of_cells(job, grid, spec.name)}
    found: set[str] = set()
    faults: list[ArgumentFault] = []
    for text in texts:
        try:
            value = spec.parse(text)
        except ArgumentInvalid as error:
            faults += error.faults
            continue
        if identity(value) not in there:
            near = near_value(tuple(there.values()), value)
            hint = "" if near is None else f"nearest: {shown(near)}"
            faults.append(ArgumentFault(spec.name, f"no cell has {spec.name} {text}", hint))
        found.add(identity(value))
    if faults:
        raise ArgumentInvalid(faults)
    return frozenset(found)


def _of_cells(job: Job, grid: Grid, name: str) -> list[Value]:
    """The values that the argument has in the grid's cells."""
    axis = next((axis for axis in grid.axes if axis.name == name), None)
    included = [job.complete(one) for one in grid.included]
    values = [one[name] for one in included if name in one]
    if axis is not None:
        return [*axis.values, *values]
    defaults = job.defaults()
    return [defaults[name], *values] if name in defaults and all(_sizes(grid)) else values


def _sizes(grid: Grid) -> list[int]:
    return [len(axis.values) for axis in grid.axes]


def _only_with(job: Job, grid: Grid, wanted: Mapping[str, frozenset[str]]) -> Grid:
    def fits(arguments: Mapping[str, Value]) -> bool:
        return all(identity(arguments[name]) in texts for name, texts in wanted.items())

    axes = tuple(
        Axis(axis.name, tuple(v for v in axis.values if identity(v) in wanted[axis.name]))
        if axis.name in wanted
        else axis
        for axis in grid.axes
    )
    others = wanted.keys() - {axis.name for axis in axes}
    defaults = job.defaults()
    if any(name not in defaults or identity(defaults[name]) not in wanted[name] for name in others):
        axes = (Axis(next(iter(others)), ()),)  # no combination has the values: it has the defaults
    included = tuple(one for one in grid.included if fits(job.complete(one)))
    return Grid(axes, grid.excluded, included)


def _check_rows(job: Job, key: str, scope: Scope) -> None:
    faults = [
        ArgumentFault(name, f"rows are chosen by their key, not by {name}", f"give only {key}")
        for name in scope.where
        if name != key
    ]
    if scope.only is Only.FAILED:
        hint = "failed rows are stale or missing: use one of these"
        faults.append(ArgumentFault(key, "which rows failed is known of batches only", hint))
    if faults:
        raise ArgumentInvalid(faults, job.name)
