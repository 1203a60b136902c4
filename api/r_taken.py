"""The time of R that callers had today: counted by the engine, kept in the catalog."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from threading import Event, Thread

from cache.clock import Clock
from engine.asker_errors import AllowanceSpent
from engine.errors import EngineError
from engine.pool import Pool
from jobs.errors import JobError
from jobs.repository import Catalog

log = logging.getLogger(__name__)

EACH_S = 1.0
STOP_WITHIN_S = 3.0
KEEP_DAYS = 400


class RTaken:
    """What each caller had, within a second or two, whichever worker served them.

    The engine counts; in turn one of the workers takes what there is since the last time and adds
    it to the catalog's, and all read that. A call is counted when it ends.

    Args:
        pool: The engine.
        catalog: Where it is kept.
        clock: Gives the moment.
        is_wanted: Whether anybody has a name.
    """

    def __init__(
        self, pool: Pool, catalog: Catalog, clock: Clock, is_wanted: Callable[[], bool]
    ) -> None:
        self._pool = pool
        self._catalog = catalog
        self._clock = clock
        self._is_wanted = is_wanted
        self._unwritten: defaultdict[str, float] = defaultdict(float)
        self._day = date.min
        self._today: dict[str, float] = {}
        self._stop = Event()
        self._thread = Thread(target=self._follow, name="r taken", daemon=True)

    def start(self) -> None:
        """Begins to count; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Writes down what there is, and ends; nobody waits long for an engine that hangs."""
        self._stop.set()
        self._thread.join(STOP_WITHIN_S)

    def seconds(self, name: str) -> float:
        """Returns what a caller had today."""
        return self._today.get(name, 0.0) if self._day == self._clock().date() else 0.0

    def look(self) -> None:
        """Writes down what was taken since the last time, and reads what all had."""
        try:
            for name, seconds in self._pool.taken().items():
                self._unwritten[name] += seconds
        except EngineError as error:
            log.debug("engine does not say what was taken: %s", error)
        today = self._clock().date()
        try:
            if self._unwritten:
                self._catalog.add_r_taken(today, self._unwritten)
                self._unwritten.clear()
            if today != self._day:
                self._catalog.forget_r_taken(today - timedelta(days=KEEP_DAYS))
            self._today = self._catalog.r_taken(today)
            self._day = today
        except JobError as error:
            log.warning("time of R not written down reason=%s", error)

    def check(self, name: str, allowed_s: float) -> None:
        """Returns if a caller had less than that today.

        Raises:
            AllowanceSpent: they had it.
        """
        if self.seconds(name) >= allowed_s:
            now = self._clock()
            raise AllowanceSpent(allowed_s, name, (_next_day(now) - now).total_seconds())

    def _follow(self) -> None:
        while not self._stop.wait(EACH_S):
            self._if_wanted()
        self._if_wanted()

    def _if_wanted(self) -> None:
        try:
            if self._is_wanted():
                self.look()
        except JobError as error:
            log.warning("keys not read reason=%s", error)


@dataclass(frozen=True)
class DayAllowance:
    """The seconds of R that one caller may have in a day.

    Attributes:
        taken: What all had.
        name: The caller's.
        seconds: So many.
    """

    taken: RTaken
    name: str
    seconds: float

    def check(self) -> None:
        """Returns if there is some left.

        Raises:
            AllowanceSpent: there is none.
        """
        self.taken.check(self.name, self.seconds)


def _next_day(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
