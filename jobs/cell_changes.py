"""The cells of a grid whose answers are not the same at two moments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from cache.entry import Entry
from cache.history import since_of
from cache.store import Store
from jobs.earlier_entries import entry_then
from jobs.job import Job
from jobs.outputs import EXACT


@dataclass(frozen=True)
class CellChange:
    """A cell, and its values at two moments; None where it had none.

    Also of cells whose values are the same: then both are given, and are equal.
    """

    arguments: Mapping[str, Any]
    before: Any
    after: Any


UNMOVED: Final = CellChange({}, "same", "same")
"""Stands for a cell that was not read because it cannot have changed."""


def cell_changes(
    store: Store, job: Job, before: datetime, after: datetime, *, grid_is_as_now: bool
) -> Iterator[CellChange]:
    """The prepared cells of the job, each once, in the order of their keys.

    An answer counts as long as it was served. With `grid_is_as_now` those of cells that the grid
    does not have (any more) were gone at the second moment; a cell whose key became another one,
    by its seed or function, is one cell.
    """
    held = {
        one.cache_key: (since_of(one), one.stale_until)
        for one in store.summary(job.name)
        if one.pinned
    }
    moved = set(store.history.keys(job.name, before))
    cells = {job.cache_key(cell.arguments) for cell in job.cells()} if grid_is_as_now else None
    alone: dict[bytes, list[Entry | None]] = {}

    def there(key: str, moment: datetime) -> Entry | None:
        entry = entry_then(store, key, moment)
        is_served = entry is not None and entry.pinned and moment < entry.stale_until
        return entry if is_served else None

    for key in sorted(held.keys() | moved):
        is_in_grid = cells is None or key in cells
        if key not in moved and is_in_grid:
            since, stale_until = held[key]
            if since <= before and after < stale_until:
                yield UNMOVED
                continue
        old = there(key, before)
        new = there(key, after) if is_in_grid else None
        if old is not None and new is not None:
            yield _change(new, old, new)
        elif old is not None or new is not None:
            one = old or new
            assert one is not None  # noqa: S101 - either is
            pair = alone.setdefault(_named(one.arguments), [None, None])
            pair[0], pair[1] = pair[0] or old, pair[1] or new
    for old, new in alone.values():
        one = new or old
        assert one is not None  # noqa: S101 - either is
        yield _change(one, old, new)


def _change(one: Entry, old: Entry | None, new: Entry | None) -> CellChange:
    return CellChange(one.arguments, _value(old), _value(new))


def _value(entry: Entry | None) -> Any:
    """The value of an answer; of one without a form in JSON, what tells it from another."""
    if entry is None:
        return None
    body = entry.bodies.get(EXACT)
    if body is None:
        return {name: body.etag for name, body in sorted(entry.bodies.items())}
    value = orjson.loads(body.content)
    return {} if value is None else value


def _named(arguments: Mapping[str, Any]) -> bytes:
    return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
