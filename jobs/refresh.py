"""Refreshing: one new answer behind a stale one that was served."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from cache.errors import CacheError
from engine.errors import EngineError
from jobs.errors import JobError
from jobs.flight import Flights

log = logging.getLogger(__name__)

PAUSE_S: Final = 30.0
"""After a failed refresh, the stale answer is served so long without another try."""
_FORGET_FROM: Final = 10_000


class Refresher:
    """Starts refreshes: of one answer one at a time, and after a failure not at once again.

    Args:
        flights: What is being made now, in all processes.
        pause_s: After a failure.
        seconds: A clock that only goes forward.
    """

    def __init__(
        self,
        flights: Flights,
        *,
        pause_s: float = PAUSE_S,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flights = flights
        self._pause_s = pause_s
        self._seconds = seconds
        self._not_before: dict[str, float] = {}
        self._turn = Lock()

    def refresh(self, key: str, make: Callable[[], object]) -> bool:
        """Has `make` called by another thread; whether it was started. Returns at once.

        A failure is logged, and the answer that was there stays.
        """
        with self._turn:
            if self._seconds() < self._not_before.get(key, 0.0):
                return False
        return self._flights.launch_behind(key, lambda: self._make(key, make))

    def _make(self, key: str, make: Callable[[], object]) -> None:
        try:
            make()
        except (JobError, EngineError, CacheError) as error:
            log.warning("refresh failed key=%s reason=%s", key, error)
            self._pause(key)

    def _pause(self, key: str) -> None:
        now = self._seconds()
        with self._turn:
            if len(self._not_before) > _FORGET_FROM:
                self._not_before = {k: t for k, t in self._not_before.items() if t > now}
            self._not_before[key] = now + self._pause_s
