"""Housekeeping: expired and superfluous results, old records, what the shelf replaced: they go."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from cache.call_records import CallRecords
from cache.clock import utcnow
from cache.errors import CacheError
from cache.sweep import Sweep
from engine.shelf import Shelf
from jobs.removed_jobs import RemovedJobs

log = logging.getLogger(__name__)

EVERY_S = 600.0


class Housekeeping:
    """Sweeps in a thread of its own: once at start, repairing what a crash left, then regularly.

    Args:
        sweep: Of the project's store and sessions.
        shelf: What was installed.
        calls: How calls ended that left no session.
        removed: Files of jobs that are no longer defined.
        calls_keep_s: How long that stays.
        releases_keep_s: How long a release that another one replaced stays, for what uses it.
        every_s: How often.
    """

    def __init__(
        self,
        sweep: Sweep,
        shelf: Shelf,
        calls: CallRecords,
        removed: RemovedJobs,
        *,
        calls_keep_s: float,
        releases_keep_s: float,
        every_s: float = EVERY_S,
    ) -> None:
        self._sweep = sweep
        self._shelf = shelf
        self._calls = calls
        self._removed = removed
        self._calls_keep_s = calls_keep_s
        self._releases_keep_s = releases_keep_s
        self._every_s = every_s
        self._stop = Event()
        self._thread = Thread(target=self._keep, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begins; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begins no further sweep. One that is going on may be cut off at any point."""
        self._stop.set()

    def _keep(self) -> None:
        self._do(self._sweep.check)
        while not self._stop.is_set():
            self._do(lambda: self._sweep.run(utcnow()))
            self._do(self._removed.sweep)
            self._do(self._sweep_releases)
            self._do(lambda: self._calls.sweep(self._calls_keep_s))
            self._stop.wait(self._every_s)

    def _sweep_releases(self) -> None:
        gone = self._shelf.sweep(self._releases_keep_s)
        if gone:
            log.info("releases removed count=%d", gone)

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (CacheError, OSError) as error:
            log.warning("sweep failed reason=%s", error)
