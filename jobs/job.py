"""Job: what to precompute, as everything but the definition language sees it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal

from cache.entry import Freshness
from cache.keys import Code, Secret, SessionObject, Upload, Value, cache_key, canonical
from engine.call import Priority
from engine.limits import UNLIMITED, Limits
from jobs.argument import NO_DEFAULT, ArgumentSpec
from jobs.argument_fault import ArgumentFault
from jobs.errors import ArgumentInvalid
from jobs.grid import Cell, Grid
from jobs.input_spec import InputSpec
from jobs.nearest import did_you_mean
from jobs.notify_spec import NOBODY, NotifySpec
from jobs.problem import KeyPath, Source
from jobs.retries import NO_RETRIES, Retries
from jobs.rows_source import Rows
from jobs.schedule_spec import ScheduleSpec

__all__ = ["ArgumentSpec", "Cell", "Grid", "Job", "Rows", "ScheduleSpec"]

_Read = Callable[[ArgumentSpec, Any], Value]


@dataclass(frozen=True)
class Job:
    """One job, compiled from its entry and the defaults of its file.

    Attributes:
        name: Unique in the project.
        package: R package of the function; the project's own is called as the project.
        function: Name of the function in its package.
        freshness: How long its answers are fresh, served stale, and kept.
        description: One sentence for people.
        arguments: The function's arguments, in the order written.
        grid: Cells to prepare, or None; a grid without axes is the one call with all defaults.
        rows: The table whose rows are the cells, or None.
        schedule: When it runs; empty means only when asked to.
        follows: The jobs that it runs after, by name, with the places where its entry says so.
        on_miss: Whether a call that was not prepared is run or refused.
        outputs: Formats rendered ahead of time.
        seed: Given to set.seed() before each call, or None.
        input: What the answers are made of, or None: then only time and version count.
        checks: R expressions about the value, which all have to give TRUE.
        timeout_s: Longest time of one call.
        bounds: What else one call may take at most.
        network: Whether the function may open connections.
        retries: How often, and after what time, a failed call of a run is tried again.
        concurrency: Most children that a run keeps busy, or None: as many as the server allows.
        priority: Of its runs among those of other jobs.
        isolation: Whether each cell of a grid has an R process of its own, or many share one.
        sessions: Whether each cell that a run computes keeps its session, or nothing but its value.
        notify: Who is told of what.
        tags: Words to find jobs by.
        owner: Who answers for the job.
        timezone: Zone of the schedules that name none.
        source: Where the job is written.
    """

    name: str
    package: str
    function: str
    freshness: Freshness
    description: str = ""
    arguments: tuple[ArgumentSpec, ...] = ()
    grid: Grid | None = None
    rows: Rows | None = None
    schedule: tuple[ScheduleSpec, ...] = ()
    follows: Mapping[str, KeyPath] = field(default_factory=dict, compare=False)
    on_miss: Literal["run", "refuse"] = "run"
    outputs: tuple[str, ...] = ("json",)
    seed: int | None = None
    input: InputSpec | None = None
    checks: tuple[str, ...] = ()
    timeout_s: float = 90
    bounds: Limits = UNLIMITED
    network: bool = False
    retries: Retries = NO_RETRIES
    concurrency: int | None = None
    priority: Priority = Priority.SCHEDULED
    isolation: Literal["cell", "batch"] = "batch"
    sessions: Literal["keep", "none"] = "keep"
    notify: NotifySpec = NOBODY
    tags: tuple[str, ...] = ()
    owner: str = ""
    timezone: str = "UTC"
    source: Source = field(default_factory=lambda: Source("", 0, 0))

    @property
    def qualified(self) -> str:
        """The function with its package: "scoring::gain"."""
        return f"{self.package}::{self.function}"

    @cached_property
    def digest(self) -> str:
        """32 hex digits of what decides the answers; part of the job's version.

        Texts for people, times and the grid's extent are not in it: editing those must not make
        a single finished answer stale.
        """
        text = json.dumps(self.definition(), sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def definition(self) -> dict[str, Any]:
        """The part of the entry that decides the answers, as plain JSON."""
        return {
            "function": self.qualified,
            "arguments": [[spec.name, spec.type, _text(spec)] for spec in self.arguments],
            "seed": self.seed,
            "outputs": sorted(self.outputs),
            "checks": list(self.checks),
            "rows": [self.rows.key, self.rows.pass_as] if self.rows else None,
        }

    @property
    def code(self) -> dict[KeyPath, str]:
        """The R expressions that its entry holds, by their places in it."""
        code: dict[KeyPath, str] = {("checks", i): text for i, text in enumerate(self.checks)}
        if self.input is not None and self.input.kind == "r":
            code["refresh_when", "r"] = self.input.text
        return code | dict(zip(self.notify.places, self.notify.changed, strict=True))

    def argument(self, name: str) -> ArgumentSpec | None:
        """The argument called `name`, if the job has it."""
        return next((spec for spec in self.arguments if spec.name == name), None)

    def defaults(self) -> dict[str, Value]:
        """The declared defaults by argument."""
        return {
            spec.name: spec.default for spec in self.arguments if spec.default is not NO_DEFAULT
        }

    def complete(self, arguments: Mapping[str, Value]) -> dict[str, Value]:
        """The arguments in the order declared, defaults filled in."""
        filled = {**self.defaults(), **arguments}
        names = [spec.name for spec in self.arguments if spec.name in filled]
        return {name: filled[name] for name in dict.fromkeys([*names, *filled])}

    def cells(self) -> Iterator[Cell]:
        """The grid's cells, each with every argument."""
        for cell in self.grid.cells() if self.grid else ():
            yield Cell(self.complete(cell.arguments))

    def declares(self, names: Iterable[str]) -> bool:
        """Whether all these are its arguments, so that its defaults stand for those left out.

        R may take `lev` for `level`, or an argument by its place in `...`: then they do not.
        """
        return self._names.issuperset(names)

    def limits(self, usual: Limits, arguments: Iterable[Value] = ()) -> Limits:
        """What one call may take; `arguments` are those that its caller chose.

        The stricter of what is usual and what the job says holds, but the time is the job's alone.
        The network is for the job's own function: R code in an argument, or an object that such
        code made, does not get it.
        """
        network = usual.network or (self.network and all(map(_is_plain, arguments)))
        stricter = usual.tightened(self.bounds)
        return replace(stricter, wall_s=self.timeout_s, network=network)

    def guard_secrets(self, arguments: Mapping[str, Value]) -> None:
        """Refuses what could read the job's secrets: R code, or what such code made.

        Raises:
            ArgumentInvalid: A call with a secret among its arguments has such, not by default.
        """
        own = self.defaults()
        whole = {**own, **arguments} if self.declares(arguments) else arguments
        secret = next((name for name, value in whole.items() if isinstance(value, Secret)), None)
        if secret is None:
            return
        reason = f"plain values alone go with the secret {secret}"
        faults = [
            ArgumentFault(name, f"{name} is R code, an object or a file", reason)
            for name, value in arguments.items()
            if not _is_plain(value) and value != own.get(name)
        ]
        if faults:
            raise ArgumentInvalid(faults, self.name)

    def cache_key(self, arguments: Mapping[str, Value]) -> str:
        """The key of the answer for these arguments, with the defaults that stand for others.

        They are put in rather than left out: should a default change, the old answer is no longer
        that of a call which leaves the argument out.
        """
        whole = {**self.defaults(), **arguments} if self.declares(arguments) else arguments
        return cache_key(self.qualified, whole, seed=self.seed)

    def arguments_from_query(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
        """The arguments that a query string means, complete; of a rows job, its key as text.

        Raises:
            ArgumentInvalid: With every fault.
        """
        asked: dict[str, str] = {}
        faults = []
        for name, text in pairs:
            if name in asked:
                faults.append(ArgumentFault(name, f"{name} is given twice", "give it once"))
            asked.setdefault(name, text)
        if self.rows is not None:
            return self._row_from_query(self.rows.key, asked, faults)
        return self._checked(asked, faults, lambda spec, text: spec.parse(text))

    def arguments_from_values(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The arguments that are already typed (JSON, Python), checked and complete.

        Raises:
            ArgumentInvalid: With every fault.
        """
        return self._checked(values, [], lambda spec, value: spec.accept(value))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(spec.name for spec in self.arguments)

    def _checked(
        self, asked: Mapping[str, Any], faults: list[ArgumentFault], read: _Read
    ) -> dict[str, Value]:
        known = [spec.name for spec in self.arguments]
        for name in asked:
            if name not in known:
                otherwise = f"its arguments: {', '.join(known)}" if known else "it takes none"
                hint = did_you_mean(name, known, otherwise=otherwise)
                faults.append(ArgumentFault(name, f"there is no argument {name}", hint))
        given: dict[str, Value] = {}
        for spec in self.arguments:
            if spec.name in asked:
                try:
                    given[spec.name] = read(spec, asked[spec.name])
                except ArgumentInvalid as error:
                    faults += error.faults
            elif spec.required:
                faults.append(spec.missing())
        if faults:
            raise ArgumentInvalid(faults, self.name)
        return self.complete(given)

    def _row_from_query(
        self, key: str, asked: Mapping[str, str], faults: list[ArgumentFault]
    ) -> dict[str, Value]:
        for name in asked:
            if name != key:
                reason = f"a row is asked for by its key, not by {name}"
                faults.append(ArgumentFault(name, reason, f"give only {key}"))
        if key not in asked:
            faults.append(ArgumentFault(key, f"{key} is missing", "give the key of the row"))
        if faults:
            raise ArgumentInvalid(faults, self.name)
        return {key: asked[key]}


def _text(spec: ArgumentSpec) -> str | None:
    return None if spec.default is NO_DEFAULT else canonical({"value": spec.default})


def _is_plain(value: Value) -> bool:
    """Whether a value is nothing but data."""
    if isinstance(value, list | dict):
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, Code | SessionObject | Upload)
