"""Claim rules: who somebody is here, by what an issuer's token says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from api.caller import Caller
from api.refusals import Forbidden
from jobs.role import Role

EVERYBODY: Final = "*"
"""Stands for every value of the claim, and for none."""
LONGEST_NAME: Final = 150
_NOTHING: Final = ("",)
"""Patterns that match no function and no job."""


@dataclass(frozen=True)
class ClaimRules:
    """Makes a caller of the claims of a verified token.

    Attributes:
        role_claim: Where the token says what its bearer is: a text or a list. `realm_access.roles`
            is the claim `roles` within the claim `realm_access`, unless a claim has that very name.
        name_claim: Which claim names them; the issuer must give nobody another one's.
        roles: Which role a value of the role's claim gives; the highest counts.
        functions_claim: Which claim lists patterns of the functions that they may call.
        jobs_claim: The same of jobs.
    """

    role_claim: str = "roles"
    name_claim: str = "sub"
    roles: Mapping[str, Role] = field(default_factory=dict)
    functions_claim: str | None = None
    jobs_claim: str | None = None

    def caller(self, claims: Mapping[str, Any]) -> Caller:
        """Returns whom the claims describe.

        Their name begins with the issuer's, so it is no key's name, nor one of another issuer.

        Raises:
            Forbidden: they have no name or no role here.
        """
        name = _find(claims, self.name_claim)
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise Forbidden(f"the token names nobody: {self.name_claim} is no text")
        if len(name) > LONGEST_NAME:
            raise Forbidden(f"the name in the claim {self.name_claim} is too long")
        given = {*_texts(_find(claims, self.role_claim)), EVERYBODY}
        held = [role for role in Role if any(self.roles.get(value) == role for value in given)]
        if not held:
            raise Forbidden(
                f"{name} has no role here: access.…roles in larder.yaml has none for what the token"
                f" says in the claim {self.role_claim}"
            )
        return Caller(
            name=f"{urlsplit(str(claims['iss'])).hostname}/{name}",
            role=held[-1],
            functions=_patterns(claims, self.functions_claim),
            jobs=_patterns(claims, self.jobs_claim),
        )

    def misses(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claims lack one that these rules go by."""
        asked = (self.role_claim, self.name_claim, self.functions_claim, self.jobs_claim)
        return any(_find(claims, claim) is None for claim in asked if claim is not None)


def _patterns(claims: Mapping[str, Any], claim: str | None) -> tuple[str, ...]:
    """The patterns in a claim. A token without it, or with an empty one, allows nothing."""
    return () if claim is None else tuple(_texts(_find(claims, claim))) or _NOTHING


def _find(claims: Mapping[str, Any], claim: str) -> Any:
    if claim in claims:  # many issuers name claims like addresses, dots and all
        return claims[claim]
    found: Any = claims
    for step in claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    """The texts of a list, or those of one text that stand apart, as scopes do (RFC 8693)."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
