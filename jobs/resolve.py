"""Resolving: from a call to the answer that is there, or to the note that there is none."""

import logging
from collections.abc import Callable, Iterable

from cache.clock import Clock
from cache.entry import Entry, State
from cache.errors import EntryFormatTooNew, EntryUnreadable
from cache.generations import Generations
from cache.store import Store
from jobs.call import Call
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.memory import Memory
from jobs.resolution import Resolution
from jobs.versions import Versions

__all__ = ["Resolver", "State"]

log = logging.getLogger(__name__)


class Resolver:
    """Looks answers up: memory first, then the store. No R, no SQL of the catalog, no write.

    Args:
        jobs: Gives the jobs as they are defined now.
        store: The results.
        generations: Say when a function's answers changed.
        versions: Say which version of a job is current.
        clock: Gives the moment.
        memory: Keeps what was looked up.
    """

    def __init__(
        self,
        jobs: Callable[[], JobSet],
        store: Store,
        generations: Generations,
        versions: Versions,
        *,
        clock: Clock,
        memory: Memory,
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._generations = generations
        self._versions = versions
        self._clock = clock
        self._memory = memory

    def resolve(self, call: Call, among: Iterable[Job] | None = None) -> Resolution | None:
        """What there is for the call under any job that declares its function; None if none does.

        The first job with a fresh answer counts, then the first with a stale one. A miss is one of
        the first job that would run it. `among` are the jobs to look under, if not all of them.
        Blocks for some 10 µs.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        found: Resolution | None = None
        for job in self._jobs().declaring(call.function) if among is None else among:
            seen = self.look(call, job)
            if seen.state is State.FRESH:
                return seen
            if found is None or _rank(seen) < _rank(found):
                found = seen
        return found

    def look(self, call: Call, job: Job) -> Resolution:
        """What there is for the call under this job.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        cache_key = call.cache_key(job)
        entry = self._entry(job.qualified, cache_key)
        version = self._versions.current(job.name)
        now = self._clock()
        state = State.MISS if entry is None else entry.state(now, version)
        if state is State.MISS:
            entry = None
        return Resolution(state, job, call, cache_key, now, entry, version)

    def _entry(self, function: str, cache_key: str) -> Entry | None:
        # The counter first: an entry put between the two readings is then read again, not missed.
        generation = self._generations.read(function)
        entry = self._memory.get(cache_key, generation)
        if entry is None:
            try:
                entry = self._store.get(cache_key)
            except (EntryUnreadable, EntryFormatTooNew) as error:
                log.warning("entry left out key=%s reason=%s", cache_key, error)
                return None
            if entry is None:
                self._memory.forget(cache_key)
            else:
                self._memory.put(entry, generation)
        return entry


def _rank(resolution: Resolution) -> int:
    """How good it is, best first; of misses, that of a job which computes them is better."""
    if resolution.state is State.MISS:
        return 2 if resolution.job.on_miss == "run" else 3
    return 0 if resolution.state is State.FRESH else 1
