"""A job's whole entry as plain JSON: what is noted of the jobs that are live."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from cache.freshness import Freshness
from cache.keys import MISSING, Code, Missing, Secret, SessionObject, Upload, Value
from jobs.argument import NO_DEFAULT, ArgumentSpec
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.r_values import plain_values

_KEYS: Final = {
    "freshness": "cache",
    "arguments": "args",
    "timeout_s": "timeout",
    "bounds": "limits",
    "input": "refresh_when",
}
"""Keys of the language for attributes that are called otherwise."""
_LEFT_OUT: Final = {"name", "package", "function", "source"}


def entry_facts(job: Job) -> dict[str, Any]:
    """All that the entry and the defaults of its file say, by the language's own keys."""
    names = (field.name for field in fields(job) if field.name not in _LEFT_OUT)
    facts = {_KEYS.get(name, name): _plain(getattr(job, name)) for name in names}
    return {"function": job.qualified, **facts}


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys in which two entries are not the same."""
    names = dict.fromkeys([*after, *before])
    return tuple(name for name in names if before.get(name) != after.get(name))


def cells_of_facts(name: str, facts: Mapping[str, Any]) -> Job:
    """As much of the job again as its cells and their cache keys are made of."""
    package, _, function = str(facts["function"]).partition("::")
    arguments = tuple(
        ArgumentSpec(
            one["name"],
            one["type"],
            default=_value(one["default"]) if "default" in one else NO_DEFAULT,
        )
        for one in facts["args"]
    )
    grid = facts["grid"]
    return Job(
        name,
        package,
        function,
        Freshness(0, 0, 0),
        arguments=arguments,
        grid=_grid(grid) if grid is not None else None,
        seed=facts["seed"],
    )


def _grid(plain: Mapping[str, Any]) -> Grid:
    axes = tuple(
        Axis(axis["name"], tuple(_value(value) for value in axis["values"]))
        for axis in plain["axes"]
    )
    excluded, included = (
        tuple({name: _value(value) for name, value in one.items()} for one in plain[key])
        for key in ("excluded", "included")
    )
    return Grid(axes, excluded, included)


def _plain(value: Any) -> Any:
    if isinstance(value, Code | Missing | Secret | SessionObject | Upload):
        return plain_values({"": value})[""]
    if is_dataclass(value):
        # What is not shown may be secret: the address of a database.
        named = ((field.name, getattr(value, field.name)) for field in fields(value) if field.repr)
        return {name: _plain(part) for name, part in named if part is not NO_DEFAULT}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value


def _value(plain: Any) -> Value:
    if isinstance(plain, dict) and plain.keys() == {"r"}:
        return MISSING if plain["r"] == "NA" else Code(plain["r"])
    if isinstance(plain, dict) and plain.keys() == {"env"}:
        return Secret(plain["env"])
    value: Value = plain
    return value
