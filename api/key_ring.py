"""The key ring: the catalog's access keys in one API process, current at each request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Final

from cache.clock import Clock
from cache.generations import Generations
from jobs.access_key import AccessKey, digest_of
from jobs.errors import CatalogError
from jobs.key_book import COUNTER
from jobs.repository import Catalog

log = logging.getLogger(__name__)

READ_AGAIN_S: Final = 5.0
"""How old what was read may be: other machines have other counters."""
GOOD_FOR_S: Final = 300.0
"""How long what was read stays good while the catalog cannot be read."""
TRY_AGAIN_S: Final = 1.0
"""How long a catalog that could not be read is left alone."""


class KeyRing:
    """Finds keys by their texts, without a query as long as none was changed.

    A change on this machine is seen by the counter, at the next request; `refresh`, called beside
    the requests, finds those of other machines. While the catalog cannot be read, the keys that
    were read last stay good for some minutes.

    Args:
        catalog: Where they are kept.
        generations: The counters of this machine.
        clock: Gives the moment.
        monotonic: Gives seconds that only grow.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: Generations,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._clock = clock
        self._monotonic = monotonic
        self._reading = Lock()
        self._keys: dict[str, AccessKey] = {}
        self._by_id: dict[int, AccessKey] = {}
        self._generation = -1
        self._read_at: float | None = None
        self._try_at = 0.0
        self._trouble: CatalogError | None = None
        self._used: dict[int, datetime] = {}

    def any(self) -> bool:
        """Whether a key was ever made.

        Raises:
            CatalogUnavailable: the keys cannot be read, and what was read is too old.
        """
        self._keep_current()
        return bool(self._keys)

    def find(self, secret: str) -> AccessKey | None:
        """Returns the valid key of this text; None where there is none.

        Raises:
            CatalogUnavailable: the keys cannot be read, and what was read is too old.
        """
        self._keep_current()
        return self._shown(self._keys.get(digest_of(secret)))

    def with_id(self, key_id: int) -> AccessKey | None:
        """Returns the valid key of this number, that somebody is signed in with; None as above.

        Raises:
            CatalogUnavailable: the keys cannot be read.
        """
        self._keep_current()
        return self._shown(self._by_id.get(key_id))

    def _shown(self, key: AccessKey | None) -> AccessKey | None:
        now = self._clock()
        if key is None or not key.is_valid(now):
            return None
        self._used[key.id] = now
        return key

    def refresh(self) -> None:
        """Reads the keys again if what was read has come of age; not on the way of a request."""
        if self._read_at is None or self._monotonic() - self._read_at > READ_AGAIN_S:
            self._read()

    def note_use(self) -> None:
        """Notes in the catalog when keys were shown since the last time."""
        used: dict[int, datetime] = {}
        while self._used:  # requests add to it meanwhile
            key_id, moment = self._used.popitem()
            used[key_id] = moment
        if not used:
            return
        try:
            self._catalog.note_use(used)
        except CatalogError as error:
            log.warning("use of keys not noted keys=%d error=%s", len(used), error)
            for key_id, moment in used.items():
                self._used.setdefault(key_id, moment)

    def _keep_current(self) -> None:
        if self._generations.read(COUNTER) != self._generation:
            self._read()
        if self._trouble is not None and self._age_s() > GOOD_FOR_S:
            raise self._trouble

    def _age_s(self) -> float:
        return float("inf") if self._read_at is None else self._monotonic() - self._read_at

    def _read(self) -> None:
        with self._reading:
            now = self._monotonic()
            if now < self._try_at:
                return
            generation = self._generations.read(COUNTER)  # before: a later change is seen
            try:
                keys = {key.digest: key for key in self._catalog.access_keys()}
            except CatalogError as error:
                if self._trouble is None:
                    log.warning("keys not readable age_s=%.0f error=%s", self._age_s(), error)
                self._trouble, self._try_at = error, self._monotonic() + TRY_AGAIN_S
                return
            if self._trouble is not None:
                log.info("keys readable again keys=%d", len(keys))
            self._keys, self._generation, self._read_at = keys, generation, now
            self._by_id = {key.id: key for key in keys.values()}
            self._trouble = None
