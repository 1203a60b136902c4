"""Housekeeping: expired and superfluous results go, a while after each other."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from cache.clock import utcnow
from cache.errors import CacheError
from cache.sweep import Sweep

log = logging.getLogger(__name__)

EVERY_S = 600.0


class Housekeeping:
    """Sweeps in a thread of its own: once at start, repairing what a crash left, then regularly.

    Args:
        sweep: Of the project's store and sessions.
        every_s: How often.
    """

    def __init__(self, sweep: Sweep, *, every_s: float = EVERY_S) -> None:
        self._sweep = sweep
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
            self._stop.wait(self._every_s)

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except CacheError as error:
            log.warning("sweep failed reason=%s", error)
