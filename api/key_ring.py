"""The key ring: the catalog's access keys in one API process, current at each request."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cache.clock import Clock
from cache.generations import Generations
from jobs.access_key import AccessKey, digest_of
from jobs.repository import Catalog

COUNTER: Final = "access keys"
"""Its name among the generations: counted up when a key was made or is refused."""
READ_AGAIN_S: Final = 5.0
"""How old what was read may be: other machines have other counters."""


class KeyRing:
    """Finds keys by their texts, without a query as long as none was changed.

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
        self._keys: dict[str, AccessKey] = {}
        self._by_id: dict[int, AccessKey] = {}
        self._generation = -1
        self._read_at = 0.0
        self.used: dict[int, datetime] = {}
        """When keys were shown since somebody last took this away."""

    def any(self) -> bool:
        """Whether a key was ever made."""
        self._keep_current()
        return bool(self._keys)

    def find(self, secret: str) -> AccessKey | None:
        """Returns the valid key of this text; None where there is none.

        Raises:
            CatalogUnavailable: the keys cannot be read.
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
        self.used[key.id] = now
        return key

    def _keep_current(self) -> None:
        generation = self._generations.read(COUNTER)  # before the keys: a later change is seen
        now = self._monotonic()
        if generation != self._generation or now - self._read_at > READ_AGAIN_S:
            self._keys = {key.digest: key for key in self._catalog.access_keys()}
            self._by_id = {key.id: key for key in self._keys.values()}
            self._generation, self._read_at = generation, now
