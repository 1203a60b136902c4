"""The issuer: where it is asked for what, and the keys that its tokens are signed with."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey

from api.fetch import fetch
from api.refusals import IssuerUnreachable, TokenWrong
from api.site import is_loopback

log = logging.getLogger(__name__)

Key = RSAKey | ECKey | OKPKey
KINDS: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The kind of key for each kind of signature."""
LEAST_RSA_BITS: Final = 2048
MOST_KEYS: Final = 100
CURRENT_FOR_S: Final = 300.0
"""After so long keys are fetched again, while those known go on."""
ASKED_AGAIN_S: Final = 10.0
"""A key that is not known has the keys fetched again, but not sooner: names of keys cost nothing
to make up."""


class Issuer:
    """What is known of an issuer; asked when it is needed first.

    Args:
        url: Its address, as its tokens name it.
        jwks: Where its keys are; None where its own document says.
        monotonic: Gives seconds that only grow.
    """

    def __init__(
        self, url: str, jwks: str | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = url
        self._jwks = jwks
        self._monotonic = monotonic
        self._facts: dict[str, Any] = {}
        self._keys: list[Key] = []
        self._asked_at = float("-inf")
        self._answered = False
        self._turn = asyncio.Lock()
        self._behind: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        """Its name, for people."""
        return urlsplit(self.url).netloc

    async def facts(self) -> dict[str, Any]:
        """Its own description (OpenID Connect Discovery); fetched once.

        Raises:
            IssuerUnreachable: there is none, or not of this issuer.
        """
        if not self._facts:
            found = await fetch(get_well_known_url(self.url, external=True))
            if found.status != 200 or found.members.get("issuer") != self.url:
                log.warning("issuer describes another issuer=%s status=%s", self.url, found.status)
                raise IssuerUnreachable(self.host)
            self._facts = found.members
        return self._facts

    async def address(self, name: str) -> str:
        """The address under a name of its description.

        Raises:
            IssuerUnreachable: there is none, or one that anybody could listen to.
        """
        found = (await self.facts()).get(name)
        if isinstance(found, str) and _is_safe(found):
            return found
        log.warning("issuer has no safe address issuer=%s name=%s", self.url, name)
        raise IssuerUnreachable(self.host)

    async def key(self, kid: str | None, algorithm: str) -> Key:
        """The key of a name, for a signature of this kind.

        Raises:
            TokenWrong: the issuer has none.
            IssuerUnreachable: it cannot be asked for one that is not known.
        """
        found = self._known(kid, algorithm)
        if found is None:
            await self._refresh(ASKED_AGAIN_S)
            found = self._known(kid, algorithm)
        elif self._monotonic() - self._asked_at > CURRENT_FOR_S and self._behind is None:
            self._behind = asyncio.create_task(self._refresh_behind())
        if found is None and not self._answered:
            raise IssuerUnreachable(self.host)
        if found is None:
            raise TokenWrong("the issuer has no such key")
        return found

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        fitting = [
            key
            for key in self._keys
            if key.key_type == KINDS[algorithm[:2]]
            and key.get("use") in (None, "sig")
            and key.get("alg") in (None, algorithm)
            and (kid is None or key.get("kid") == kid)
        ]
        # Without a name there must be no choice: trying all would be a way to make us work.
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None

    async def _refresh(self, unless_s: float) -> None:
        """Fetches the keys, unless that was done or tried just now, by another request too."""
        async with self._turn:
            if self._monotonic() - self._asked_at < unless_s:
                return
            self._asked_at = self._monotonic()
            self._answered = False
            found = await fetch(self._jwks or await self.address("jwks_uri"))
            keys = _keys_in(found.members)
            if found.status != 200 or not keys:
                log.warning("issuer gives no keys issuer=%s status=%s", self.url, found.status)
                raise IssuerUnreachable(self.host)
            self._keys, self._answered = keys, True

    async def _refresh_behind(self) -> None:
        try:
            await self._refresh(ASKED_AGAIN_S)
        except IssuerUnreachable as error:
            log.warning("keys stay as they were issuer=%s reason=%s", self.url, error)
        finally:
            self._behind = None


def _keys_in(members: dict[str, Any]) -> list[Key]:
    """The keys that can be used; one that cannot does not spoil the others (RFC 7517, 5)."""
    listed = members.get("keys")
    keys: list[Key] = []
    for data in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        try:
            key = JWKRegistry.import_key(data)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(key, OctKey) or (isinstance(key, RSAKey) and _bits(key) < LEAST_RSA_BITS):
            continue
        keys.append(key)
    return keys


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _bits(key: RSAKey) -> int:
    return key.public_key.key_size
