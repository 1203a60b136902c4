"""The right to fire: one scheduler among all that share a catalog.

No two clocks are compared. The holder counts from the moment at which it asked for the last
renewal; who waits counts from the moment at which it first saw the row as it is, which is later. So
the holder has stopped firing before anybody can take the lease from it. Should it have been stopped
between looking and writing, what it writes is refused: see `LeaseRows.in_the_name_of`.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from cache.clock import Clock
from jobs.owner import is_gone
from jobs.records import Lease
from jobs.repository import Catalog

log = logging.getLogger(__name__)

NAME = "scheduler"
CLOCKS_DIFFER = timedelta(minutes=1)
"""By no more than this. A lease that ran out longer ago has run out by everybody's clock."""

Steady = Callable[[], float]


def since_boot() -> float:
    """Returns seconds that nobody sets, and that pass while the process or machine is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SchedulerLease:
    """The scheduler's lease, as one process holds it or hopes for it; for any number of threads.

    Args:
        catalog: Where the lease is a row.
        holder: Who asks, `str(Owner.here())`.
        clock: The clock that the catalog stamps with.
        lasts_s: How long it holds without being renewed.
        steady: Seconds that only go forward.
    """

    def __init__(
        self, catalog: Catalog, holder: str, clock: Clock, *, lasts_s: float, steady: Steady
    ) -> None:
        self._catalog = catalog
        self._holder = holder
        self._clock = clock
        self._lasts_s = lasts_s
        self._steady = steady
        self._turn = Lock()
        self._mine: Lease | None = None
        self._until = 0.0
        self._seen: tuple[Lease, float] | None = None

    @property
    def held(self) -> Lease | None:
        """The lease while it surely is ours still, else None."""
        mine = self._mine
        return mine if mine is not None and self._steady() < self._until else None

    def hold(self) -> bool:
        """Renews the lease, or takes it if it is free; returns whether it is held now.

        The lease of a process that this machine knows to have ended is free at once, so that
        a killed server can be started again without waiting.
        """
        with self._turn:
            asked = self._steady()
            mine = self.held
            if mine is not None:
                mine = self._catalog.renew_lease(mine, lasts_s=self._lasts_s)
            if mine is None:
                mine = self._take(asked)
            self._mine = mine
            self._until = asked + self._lasts_s
            return mine is not None

    def release(self) -> None:
        """Gives the lease back; another process may have it at once."""
        with self._turn:
            mine, self._mine = self._mine, None
            if mine is not None:
                self._catalog.release_lease(mine)

    def _take(self, asked: float) -> Lease | None:
        lease = self._catalog.lease(NAME)
        if lease is not None and not self._is_free(lease, asked):
            return None
        self._seen = None
        return self._catalog.take_lease(NAME, self._holder, lasts_s=self._lasts_s, seen=lease)

    def _is_free(self, lease: Lease, asked: float) -> bool:
        if not lease.holder or lease.holder == self._holder:
            return True
        if is_gone(lease.holder):
            log.info("lease freed, its holder is gone holder=%s", lease.holder)
            return True
        if self._clock() - lease.expires_at > CLOCKS_DIFFER:
            return True
        if self._seen is None or self._seen[0] != lease:
            self._seen = lease, asked
        return asked - self._seen[1] >= self._lasts_s
