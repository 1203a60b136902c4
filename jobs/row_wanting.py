"""The rows of a rows job that a run computes, and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cache.entry import Version
from cache.tables import RowTable, Standing
from jobs.errors import RowNotFound
from jobs.near_cell import near_key
from jobs.rows_source import RowsSource
from jobs.scope import Scope
from jobs.why import Why

_AT_ONCE: Final = 10_000
_WHY: Final = {
    Standing.CHANGED: Why.ROW_CHANGED,
    Standing.AGED: Why.AGED,
    Standing.OTHER_VERSION: Why.CHANGED,
    Standing.NONE: Why.NEVER,
}


def rows_in_scope(job: str, source: RowsSource, scope: Scope) -> Sequence[int]:
    """The places of the rows that `scope.where` names; all of them if it names none.

    Raises:
        RowNotFound: The source has no row of a key.
    """
    texts = scope.where.get(source.rows.key)
    if texts is None:
        return range(len(source))
    places = {}
    for wanted in map(source.parse_key, texts):
        place = source.keys.place(wanted)
        if place is None:
            near = near_key(source.keys, wanted)
            raise RowNotFound(job, wanted, f"nearest: {near}" if near is not None else "")
        places[place] = wanted
    return sorted(places)


def why_rows(
    table: RowTable, source: RowsSource, places: Sequence[int], now: datetime, version: Version
) -> Iterator[list[tuple[int, Why]]]:
    """Place and reason of each of these rows, which rise; many at a time."""
    for first in range(0, len(places), _AT_ONCE):
        some = places[first : first + _AT_ONCE]
        standing: dict[int, Standing] = {}
        for start, stop in [(some[0], some[-1] + 1)] if isinstance(some, range) else _each(some):
            standing |= table.compare(source.keys, start, stop, version=version.digest, now=now)
        whys = {place: _WHY[one] for place, one in standing.items()}
        yield [(place, whys.get(place, Why.FRESH)) for place in some]


def _each(places: Sequence[int]) -> list[tuple[int, int]]:
    return [(place, place + 1) for place in places]
