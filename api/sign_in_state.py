"""The state of a sign-in that an issuer is asked for, which the browser keeps meanwhile.

It is in a cookie that no script and no other site reads: what comes back from the issuer counts in
the browser alone that was sent there, within ten minutes, once. Two tabs have two.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import astuple, dataclass
from typing import Final

import orjson
from starlette.types import Scope

from api.sign_in import own_path
from api.site import Site, cookie

KEEP_S: Final = 600
_TOLD_APART: Final = 12


@dataclass(frozen=True)
class SignInState:
    """What was made up for one sign-in.

    Attributes:
        state: The issuer gives it back to the browser.
        nonce: The issuer's token has it.
        verifier: The issuer gives its token to whoever knows it (PKCE, RFC 7636).
        page: The page that somebody came for.
    """

    state: str
    nonce: str
    verifier: str
    page: str

    def cookie(self, site: Site, scope: Scope) -> tuple[str, str]:
        """The header that has the browser keep it."""
        value = base64.urlsafe_b64encode(orjson.dumps(astuple(self))).decode()
        return site.set_cookie(scope, _name(site, scope, self.state), value, KEEP_S)

    def forgotten(self, site: Site, scope: Scope) -> tuple[str, str]:
        """The header that takes it from the browser."""
        return site.set_cookie(scope, _name(site, scope, self.state), "", 0)


def kept_state(site: Site, scope: Scope, state: str) -> SignInState | None:
    """Returns what the browser kept for this state; None where it was not the one sent there."""
    value = cookie(scope, _name(site, scope, state))
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(value or ""))
        kept = SignInState(*(str(part) for part in parts))
    except (binascii.Error, ValueError, TypeError):
        return None
    if not kept.state or kept.state != state:
        return None
    return SignInState(kept.state, kept.nonce, kept.verifier, own_path(kept.page))


def _name(site: Site, scope: Scope, state: str) -> str:
    return site.cookie_name(scope, f"-{state[:_TOLD_APART]}")
