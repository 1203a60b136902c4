"""Issuers: those that the operator names, opened when one is.

What reads their tokens takes a tenth of a second to import: not where none is named.
"""

from __future__ import annotations

from typing import Protocol

from api.access_config import AccessConfig
from api.caller import Caller
from api.identity import TokenReader
from api.sign_in_state import SignInState
from cache.clock import Clock


class SignInIssuer(Protocol):
    """An issuer that signs people in; `api.oidc` has the only one."""

    @property
    def host(self) -> str:
        """Its name, for people."""

    async def begin(self, back: str, page: str) -> tuple[str, SignInState]:
        """Returns where it asks who it is, and what has to be known when it has."""

    async def complete(self, state: SignInState, code: str, back: str) -> Caller:
        """Returns who signed in."""


def token_reader(config: AccessConfig, clock: Clock) -> TokenReader | None:
    """Returns what reads tokens; None where none count."""
    if config.jwt is None:
        return None
    from api.tokens import Tokens  # noqa: PLC0415

    return Tokens(config.jwt, clock).caller


def sign_in_issuer(config: AccessConfig, clock: Clock) -> SignInIssuer | None:
    """Returns who signs people in; None where nobody does."""
    if config.oidc is None:
        return None
    from api.oidc import Oidc  # noqa: PLC0415

    return Oidc(config.oidc, clock)
