"""Changes: what job files would do to what is live. Reads only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from cache.entry import EntrySummary, State, Version
from jobs.entry_facts import cells_of_facts, changed_keys, entry_facts
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import Run
from jobs.repository import Catalog
from jobs.row_wanting import why_rows
from jobs.version_keeper import CODE, VersionKeeper
from jobs.why import Why

_OF_THE_KEY = {"function", "args", "grid", "seed", "rows"}
"""Keys of an entry that may change which cells there are, or the cache keys of their answers."""
_AT_ONCE = 1000


@dataclass(frozen=True)
class CellChanges:
    """Cells, or rows, by what becomes of them."""

    total: int = 0
    stale: int = 0
    new: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class JobChange:
    """What becomes of one job.

    Attributes:
        name: Its name.
        what: The short of it.
        job: As its file says; None if it was removed.
        keys: Keys of its entry that changed, `code` for the R code.
        makes_stale: Whether another version of the job begins, so that its answers become stale.
        cells: What becomes of its cells.
        estimate_s: R's time for those that become stale or are new, by the job's history.
    """

    name: str
    what: Literal["added", "changed", "removed", "unchanged"]
    job: Job | None
    keys: tuple[str, ...]
    makes_stale: bool
    cells: CellChanges
    estimate_s: float | None


@dataclass(frozen=True)
class _Moment:
    """When it is looked, the version that is live, and the one that would be."""

    now: datetime
    current: Version | None
    version: Version

    @property
    def changes_version(self) -> bool:
        return self.current is not None and self.current.digest != self.version.digest

    def ends(self, answer: EntrySummary) -> bool:
        """Whether the answer is fresh, and would be so no more."""
        fresh_now = answer.state(self.now, self.current) is State.FRESH
        return fresh_now and answer.state(self.now, self.version) is not State.FRESH


def changes(
    jobs: Iterable[Job], catalog: Catalog, pantry: Pantry, keeper: VersionKeeper
) -> list[JobChange]:
    """What becomes of each job, those removed last.

    Raises:
        EngineError: R cannot be asked which code is there now.
        RowsUnreadable: The table of a rows job cannot be read.
        StoreUnavailable, CatalogUnavailable: What is stored cannot be read.
    """
    live = catalog.live_entries()
    found = [_change(job, live.get(job.name), catalog, pantry, keeper) for job in jobs]
    names = {one.name for one in found}
    last = catalog.last_runs()
    gone = [_removed(name, live[name], last.get(name)) for name in live if name not in names]
    return found + gone


def _change(
    job: Job,
    before: Mapping[str, Any] | None,
    catalog: Catalog,
    pantry: Pantry,
    keeper: VersionKeeper,
) -> JobChange:
    now = pantry.clock()
    current = pantry.versions.current(job.name)
    version = keeper.preview(job, now)
    keys = () if before is None else changed_keys(before, entry_facts(job))
    known = catalog.versions(job.name)
    if before is not None and known and known[0].definition.get(CODE) != keeper.code(job).facts():
        keys = (*keys, CODE)
    moment = _Moment(now, current, version)
    if job.rows is not None:
        cells = _rows(job, pantry, moment)
    else:
        old = cells_of_facts(job.name, before) if before and _OF_THE_KEY & {*keys} else None
        cells = _cells(job, old, pantry, moment, is_added=before is None)
    what: Literal["added", "changed", "unchanged"] = "changed" if keys else "unchanged"
    return JobChange(
        job.name,
        "added" if before is None else what,
        job,
        keys,
        moment.changes_version,
        cells,
        _estimate_s(catalog.mean_duration_s(job.name), cells.stale + cells.new),
    )


def _estimate_s(mean_s: float | None, count: int) -> float | None:
    if not count:
        return 0.0
    return None if mean_s is None else mean_s * count


def _removed(name: str, facts: Mapping[str, Any], last: Run | None) -> JobChange:
    grid = cells_of_facts(name, facts).grid
    dropped = grid.count() if grid else 0
    if facts["rows"] is not None and last is not None:
        dropped = last.cells_total or 0
    cells = CellChanges(dropped=dropped)
    return JobChange(name, "removed", None, keys=(), makes_stale=False, cells=cells, estimate_s=0.0)


def _cells(
    job: Job, old: Job | None, pantry: Pantry, moment: _Moment, *, is_added: bool
) -> CellChanges:
    """By their cache keys; without `old` the cells are those that they were."""
    total = job.grid.count() if job.grid else 0
    keys_before = {old.cache_key(cell.arguments) for cell in old.cells()} if old else set()
    stale = common = 0
    for block in _blocks(job) if old or moment.changes_version else ():
        common += sum(key in keys_before for key in block)
        if moment.changes_version:
            stale += sum(map(moment.ends, pantry.store.summaries_of(block).values()))
    if old is not None:
        return CellChanges(total, stale, total - common, len(keys_before) - common)
    return CellChanges(total, stale, total if is_added else 0)


def _rows(job: Job, pantry: Pantry, moment: _Moment) -> CellChanges:
    table = pantry.row_answers.table(job)
    current = moment.current or Version("", moment.now)
    found: Counter[Why] = Counter()
    with pantry.row_answers.source(job) as source:
        places = range(len(source))
        for block in why_rows(table, source, places, moment.now, current):
            found.update(why for _, why in block)
    counts = table.counts(moment.now, current.digest)
    known = len(places) - found[Why.NEVER]
    fresh = found[Why.FRESH] + found[Why.ROW_CHANGED]
    stale = fresh if moment.changes_version else 0
    dropped = counts["fresh"] + counts["stale"] - known
    return CellChanges(len(places), stale, found[Why.NEVER], dropped)


def _blocks(job: Job) -> Iterator[list[str]]:
    keys = (job.cache_key(cell.arguments) for cell in job.cells())
    while block := list(islice(keys, _AT_ONCE)):
        yield block
