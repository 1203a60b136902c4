"""The key book: access keys made, exchanged and revoked, so that every worker knows at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cache.clock import Clock
from cache.generations import Generations
from jobs.access_key import AccessKey, new_secret
from jobs.key_errors import KeyNotFound
from jobs.key_request import KeyRequest
from jobs.nearest import nearest
from jobs.repository import Catalog

COUNTER: Final = "access keys"
"""Its name among the generations: counted up when a key was made or is refused."""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made: the only time that its text, `secret`, is known."""

    key: AccessKey
    secret: str


class KeyBook:
    """Changes access keys, with a server or without one.

    Args:
        catalog: Where they are kept.
        generations: The counters by which the workers of this machine notice.
        clock: Gives the moment.
    """

    def __init__(self, catalog: Catalog, generations: Generations, clock: Clock) -> None:
        self._catalog = catalog
        self._generations = generations
        self._clock = clock

    def add(self, request: KeyRequest) -> NewKey:
        """Makes a key.

        Raises:
            KeyNameTaken: A valid one has the name.
        """
        secret = new_secret()
        key = self._catalog.add_key(
            secret,
            request.name,
            request.role,
            functions=request.functions,
            jobs=request.jobs,
            origins=request.origins,
            rate=request.rate,
            concurrent=request.concurrent,
            r_seconds=request.r_seconds,
            expires_at=request.expires_at,
        )
        self._generations.bump(COUNTER)  # after the commit
        return NewKey(key, secret)

    def keys(self, *, invalid: bool = False) -> list[AccessKey]:
        """The valid keys, the newest last; all that were ever made where `invalid` is set."""
        now = self._clock()
        return [key for key in self._catalog.access_keys() if invalid or key.is_valid(now)]

    def taken_today(self) -> dict[str, float]:
        """Seconds of R that were taken today, a day of UTC, by the names of keys."""
        return self._catalog.r_taken(self._clock().date())

    def revoke(self, which: str) -> list[AccessKey]:
        """Has the keys of a name, or the one of a number, refused from the next request on.

        Raises:
            KeyNotFound: No valid key is meant.
        """
        keys = self._meant(which)
        self._catalog.revoke_keys([key.id for key in keys])
        self._generations.bump(COUNTER)
        return keys

    def rotate(self, which: str, overlap_s: float, *, expires_at: datetime | None = None) -> NewKey:
        """Makes the key that takes the place of others, which are refused when the overlap is over.

        It may do what they may. Where they were to expire, it lasts as long as they were to last,
        if nothing is said.

        Raises:
            KeyNotFound: No valid key is meant.
        """
        keys = self._meant(which)
        secret, until = new_secret(), self._clock() + timedelta(seconds=overlap_s)
        key = self._catalog.replace_keys(secret, keys, until, expires_at=expires_at)
        self._generations.bump(COUNTER)
        return NewKey(key, secret)

    def _meant(self, which: str) -> list[AccessKey]:
        valid = self.keys()
        number = which.removeprefix("#")
        if number.isdecimal():
            keys = [key for key in valid if str(key.id) == number]
        else:
            keys = [key for key in valid if key.name == which]
        if not keys:
            raise KeyNotFound(which, nearest(which, {key.name for key in valid}))
        return keys
