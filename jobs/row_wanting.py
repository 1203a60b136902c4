"""The rows of a rows job that a run computes, and why."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cache.entry import Version
from cache.tables import RowTable
from jobs.errors import RowNotFound
from jobs.near_cell import near_key
from jobs.rows_source import RowKey, RowsSource
from jobs.scope import Scope
from jobs.why import Why


def rows_in_scope(job: str, source: RowsSource, scope: Scope) -> Sequence[int]:
    """The places of the rows that `scope.where` names; all of them if it names none.

    Raises:
        RowNotFound: The source has no row of a key.
    """
    texts = scope.where.get(source.rows.key)
    if texts is None:
        return range(len(source))
    wanted = dict.fromkeys(source.parse_key(text) for text in texts)
    places = [place for place, key in enumerate(source.keys) if key in wanted]
    if len(places) < len(wanted):
        missing = next(key for key in wanted if key not in {source.keys[at] for at in places})
        near = near_key(source.keys, missing)
        raise RowNotFound(job, missing, f"nearest: {near}" if near is not None else "")
    return places


def why_rows(
    table: RowTable, source: RowsSource, places: Sequence[int], now: datetime, version: Version
) -> Iterator[tuple[int, Why]]:
    """Place and reason of each of these rows."""
    current = table.current(version=version.digest, now=now)
    stale = table.stale(version=version.digest, now=now)
    keys: Iterable[RowKey] = source.keys
    if any(isinstance(key, str) for key in (*current, *stale)):
        keys = list(map(str, keys))  # such a table has all keys as texts
    assert isinstance(keys, Sequence)  # noqa: S101 - both are
    for place in places:
        key = keys[place]
        if key in current:
            same = current[key] == source.digests[place]
            yield place, Why.FRESH if same else Why.ROW_CHANGED
        elif key in stale:
            yield place, Why.AGED if stale[key] == version.digest else Why.CHANGED
        else:
            yield place, Why.NEVER
