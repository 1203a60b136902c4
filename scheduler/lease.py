"""The right to fire: one scheduler among all that share a catalog."""

import logging
from datetime import UTC, datetime, timedelta

from cache.clock import Clock
from jobs.owner import is_gone
from jobs.repository import Catalog

log = logging.getLogger(__name__)

NAME = "scheduler"


class SchedulerLease:
    """The scheduler's lease, as one process holds it or hopes for it.

    Args:
        catalog: Where the lease is a row.
        holder: Who asks, `str(Owner.here())`.
        clock: The clock that the catalog stamps with.
        lasts_s: How long it holds without being renewed.
    """

    def __init__(self, catalog: Catalog, holder: str, clock: Clock, *, lasts_s: float) -> None:
        self._catalog = catalog
        self._holder = holder
        self._clock = clock
        self._lasts_s = lasts_s
        self._until = datetime.min.replace(tzinfo=UTC)

    @property
    def held(self) -> bool:
        """Whether it surely is ours still: a process that was stopped for long finds it is not."""
        return self._clock() < self._until

    def hold(self) -> bool:
        """Renews the lease, or takes it if it is free; returns whether it is held now.

        The lease of a process that this machine knows to have ended is free at once, so that
        a killed server can be started again without waiting.
        """
        asked = self._clock()
        keep = self._catalog.renew_lease if self.held else self._acquire
        if keep(NAME, self._holder, lasts_s=self._lasts_s):
            self._until = asked + timedelta(seconds=self._lasts_s)
            return True
        self._until = asked
        return False

    def release(self) -> None:
        """Gives the lease back; another process may have it at once."""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._catalog.release_lease(NAME, self._holder)

    def _acquire(self, name: str, holder: str, *, lasts_s: float) -> bool:
        lease = self._catalog.lease(name)
        if lease is not None and lease.holder != holder and is_gone(lease.holder):
            log.info("lease freed, its holder is gone holder=%s", lease.holder)
            self._catalog.release_lease(name, lease.holder)
        return self._catalog.acquire_lease(name, holder, lasts_s=lasts_s)
