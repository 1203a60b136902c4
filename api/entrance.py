"""The entrance: what the gate works with, put together."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from api.access_config import AccessConfig
from api.askers import Askers
from api.gate import Gate
from api.identity import Identity
from api.issuers import token_reader
from api.key_minder import KeyMinder
from api.key_ring import KeyRing
from api.logins import Logins
from api.r_taken import RTaken
from api.rate_limits import RateLimits
from api.services import Services
from api.site import Site
from cache.buckets import Buckets
from jobs.repository import Catalog


@dataclass(frozen=True)
class Entrance:
    """Who comes in, and how often.

    Attributes:
        config: What the operator decided.
        keys: The keys that there are.
        identity: Finds out who asks.
        rates: How often who may ask.
        taken: How much of R each has had.
    """

    config: AccessConfig
    keys: KeyRing
    identity: Identity
    rates: RateLimits
    taken: RTaken

    @classmethod
    def of(cls, services: Services, catalog: Catalog) -> Entrance:
        """Returns the entrance of an API worker."""
        config, pantry = services.access, services.pantry
        keys = KeyRing(catalog, pantry.generations, pantry.clock)
        logins = Logins(catalog, pantry.generations, keys, pantry.clock, keep_s=config.login_keep_s)
        reader = token_reader(config, pantry.clock)
        return cls(
            config,
            keys,
            Identity(config, keys, logins, Site(config.url), reader),
            RateLimits(Buckets(services.state_folder / "rates"), config),
            RTaken(services.pool, catalog, pantry.clock, keys.any),
        )

    def gate(self, app: ASGIApp) -> Gate:
        """Returns the gate before an application."""
        askers = Askers(self.taken, self.config)
        return Gate(app, self.identity, self.config, self.rates, askers)

    def minder(self) -> KeyMinder:
        """Returns what looks after the keys beside the requests."""
        return KeyMinder(self.keys)
