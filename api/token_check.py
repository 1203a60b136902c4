"""The check of a token (JWT, RFC 7519, as RFC 8725 advises): form, signature and claims."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from api.issuer import Issuer
from api.refusals import TokenWrong

LONGEST_CHARACTERS: Final = 16 * 1024
KINDS: Final = {"jwt", "at+jwt", "application/at+jwt"}
"""What a token may call itself, if it does: an issuer signs other things as well."""
_FORM: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*", re.ASCII)
_KID_CHARACTERS: Final = 200


@dataclass(frozen=True)
class TokenCheck:
    """Checks the tokens of one issuer.

    Attributes:
        issuer: Whose they have to be.
        audience: Whom they have to be made for.
        algorithms: What they may be signed with.
        leeway_s: By how much clocks may differ.
    """

    issuer: Issuer
    audience: str
    algorithms: Collection[str]
    leeway_s: float

    async def claims(self, token: str, now: datetime) -> dict[str, Any]:
        """Returns what a token says, all of it checked.

        Raises:
            TokenWrong: it is none of this issuer's, or not for now, or not for this server.
            IssuerUnreachable: it cannot be checked.
        """
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            raise TokenWrong("it is not signed as this server wants it")
        if "crit" in header or "b64" in header:
            raise TokenWrong("it asks for what this server does not know")
        if str(header.get("typ", "JWT")).lower() not in KINDS:
            raise TokenWrong("it is of another kind")
        if kid is not None and (not isinstance(kid, str) or len(kid) > _KID_CHARACTERS):
            raise TokenWrong("it names no key")
        # Of the header no more is gone by: keys that it brings or points to (jwk, jku, x5c, x5u)
        # are whoever made it has.
        key = await self.issuer.key(kid, algorithm)
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        registry.max_header_length = LONGEST_CHARACTERS  # some issuers send their certificates
        try:
            signed = jws.deserialize_compact(token, key, registry=registry)
        except (JoseError, ValueError, TypeError) as error:
            raise TokenWrong("its signature is not the issuer's") from error
        claims = _members(signed.payload)
        self._check(claims, now)
        return claims

    def _check(self, claims: dict[str, Any], now: datetime) -> None:
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=int(self.leeway_s),
            iss={"essential": True, "value": self.issuer.url},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise TokenWrong("it has expired") from None
        except MissingClaimError as error:
            raise TokenWrong(f"it lacks {error.claim}") from None
        except InvalidClaimError as error:
            raise TokenWrong(f"its {error.claim} is not for this server, or not for now") from None


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST_CHARACTERS:
        raise TokenWrong("it is too long")
    if not _FORM.fullmatch(token):
        raise TokenWrong("it is none")
    try:
        return _members(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError as error:
        raise TokenWrong("it cannot be read") from error


def _members(content: bytes | None) -> dict[str, Any]:
    """The members of a JSON object, of which none comes twice: readers would differ about it."""
    try:
        found = json.loads(content or b"", object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise TokenWrong("it cannot be read") from error
    if not isinstance(found, dict):
        raise TokenWrong("it cannot be read")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name comes twice")
    return members
