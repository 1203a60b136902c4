"""Making: what made a stored answer, and how long it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cache.entry import EntrySummary, Version
from cache.tables import RowAnswer
from jobs.new_entry import RUN
from jobs.records import JobVersion
from jobs.repository import Catalog
from jobs.version_keeper import CODE


@dataclass(frozen=True)
class Making:
    """What made an answer.

    Attributes:
        version: The job's version that did.
        changed: In what the current version differs from it; empty where it is the same one, or
            where one of the two is not written down.
        run_id: The run that computed it; None if somebody's call did, or it is not known any more.
        code: Package, its version and R's; None if that was not written down.
        seed: Given to set.seed(), or None.
        duration_s: Of the R call; of a row, that of its whole batch.
        batch_rows: How many rows the batch had; None for a cell.
        computed_at: When it was done.
        fresh_until: When it is, or was, no longer current.
        stale_until: When it is, or was, no longer served.
        session_key: Its session, if it has one.
    """

    version: str
    changed: tuple[str, ...]
    run_id: int | None
    code: Mapping[str, str] | None
    seed: int | None
    duration_s: float | None
    batch_rows: int | None
    computed_at: datetime
    fresh_until: datetime
    stale_until: datetime
    session_key: str | None


def making_of_cell(
    catalog: Catalog, job: str, entry: EntrySummary, current: Version | None
) -> Making:
    """What made the answer of a cell."""
    made, now = _versions(catalog, job, entry.version, current)
    fresh_until, stale_until = _ends(entry, current)
    return Making(
        version=entry.version,
        changed=_changed(made, now),
        run_id=entry.extra.get(RUN),
        code=_code(made),
        seed=entry.seed,
        duration_s=entry.duration_s,
        batch_rows=None,
        computed_at=entry.computed_at,
        fresh_until=fresh_until,
        stale_until=stale_until,
        session_key=entry.session_key,
    )


def making_of_row(catalog: Catalog, job: str, row: RowAnswer, current: Version | None) -> Making:
    """What made a row: the batch that was kept at the same moment."""
    made, now = _versions(catalog, job, row.version, current)
    batches = (one for one in catalog.batches(job) if one.computed_at == row.computed_at)
    batch = next(batches, None)
    fresh_until, stale_until = _ends(row, current)
    return Making(
        version=row.version,
        changed=_changed(made, now),
        run_id=batch.run_id if batch else None,
        code=_code(made),
        seed=made.definition.get("seed") if made else None,
        duration_s=batch.duration_s if batch else None,
        batch_rows=batch.size if batch else None,
        computed_at=row.computed_at,
        fresh_until=fresh_until,
        stale_until=stale_until,
        session_key=None,
    )


def _versions(
    catalog: Catalog, job: str, digest: str, current: Version | None
) -> tuple[JobVersion | None, JobVersion | None]:
    """The version that made the answer and the current one, as far as they are written down."""
    known = {one.digest: one for one in reversed(catalog.versions(job))}
    return known.get(digest), known.get(current.digest) if current else None


def _changed(made: JobVersion | None, now: JobVersion | None) -> tuple[str, ...]:
    return made.differences(now.definition) if made and now else ()


def _code(made: JobVersion | None) -> Mapping[str, str] | None:
    code: Mapping[str, str] | None = made.definition.get(CODE) if made else None
    return code


def _ends(stored: EntrySummary | RowAnswer, current: Version | None) -> tuple[datetime, datetime]:
    """When it stops being fresh, and being served; a change of version brings both forward."""
    fresh_until, stale_until = stored.fresh_until, stored.stale_until
    if current is None or current.digest == stored.version:
        return fresh_until, stale_until
    served_until = current.since + (stale_until - fresh_until)
    return min(fresh_until, current.since), min(stale_until, served_until)
