"""Logins: who signed in with a browser, in one API process, current at each request."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from api.caller import Caller
from api.key_ring import READ_AGAIN_S, KeyRing
from cache.clock import Clock
from cache.generations import Generations
from jobs.login import Login, new_ticket
from jobs.repository import Catalog

COUNTER: Final = "logins"
"""Its name among the generations: counted up when somebody signed in or out."""
REMEMBERED: Final = 2000


class Logins:
    """Finds callers by the tickets of their browsers, and gives and takes tickets.

    A ticket that was found is not looked up again, as long as nobody signs in or out.

    Args:
        catalog: Where logins are kept.
        generations: The counters of this machine.
        keys: The keys that people sign in with.
        clock: Gives the moment.
        keep_s: How long somebody stays signed in.
        monotonic: Gives seconds that only grow.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: Generations,
        keys: KeyRing,
        clock: Clock,
        *,
        keep_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep_s = keep_s
        self._catalog = catalog
        self._generations = generations
        self._keys = keys
        self._clock = clock
        self._monotonic = monotonic
        self._found: OrderedDict[str, Login | None] = OrderedDict()
        self._generation = -1
        self._read_at = 0.0

    def find(self, ticket: str, address: str = "") -> Caller | None:
        """Returns who has this ticket; None where nobody has, or nobody any more.

        Raises:
            CatalogUnavailable: it cannot be looked up.
        """
        login = self._login(ticket)
        if login is None or not login.is_valid(self._clock()):
            return None
        if login.key_id is not None:
            key = self._keys.with_id(login.key_id)
            return None if key is None else Caller.with_key(key, address)
        return Caller(
            name=login.name,
            role=login.role,
            address=address,
            functions=login.functions,
            jobs=login.jobs,
        )

    def begin(self, caller: Caller) -> str:
        """Signs somebody in; returns the ticket that proves it, which is kept nowhere.

        Raises:
            CatalogUnavailable: it cannot be noted.
        """
        ticket = new_ticket()
        self._catalog.add_login(
            ticket,
            caller.name,
            caller.role,
            expires_at=self._clock() + timedelta(seconds=self.keep_s),
            functions=caller.functions,
            jobs=caller.jobs,
            key_id=caller.key_id,
        )
        self._generations.bump(COUNTER)
        return ticket

    def end(self, ticket: str) -> None:
        """Signs whoever has this ticket out, at once in every process.

        Raises:
            CatalogUnavailable: it cannot be noted.
        """
        if self._catalog.end_login(ticket):
            self._generations.bump(COUNTER)

    def _login(self, ticket: str) -> Login | None:
        generation = self._generations.read(COUNTER)  # before the row: a later change is seen
        now = self._monotonic()
        if generation != self._generation or now - self._read_at > READ_AGAIN_S:
            self._found.clear()
            self._generation, self._read_at = generation, now
        if ticket not in self._found:
            self._found[ticket] = self._catalog.login(ticket)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return self._found[ticket]
