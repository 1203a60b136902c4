"""Identity: who makes a request, by the key, the token or the cookie that it shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from starlette.types import Scope

from api.access_config import AccessConfig
from api.caller import Caller
from api.client_address import address_of
from api.credentials import is_token, take_key
from api.key_ring import KeyRing
from api.logins import Logins
from api.operations import Operation
from api.own_pages import check_page
from api.refusals import KeyMissing, KeyWrong, LoginOver
from api.site import Site, cookie
from jobs.errors import CatalogError

TokenReader = Callable[[str], Awaitable[Caller]]
"""Returns whom a token describes, or raises why it does not count."""


@dataclass
class Identity:
    """Tells callers apart.

    Attributes:
        config: What the operator decided.
        keys: The keys that there are.
        logins: Who signed in with a browser.
        site: This server as browsers see it.
        read_token: Reads an issuer's tokens; None where none count.
    """

    config: AccessConfig
    keys: KeyRing
    logins: Logins
    site: Site
    read_token: TokenReader | None = None

    @property
    def asks(self) -> bool:
        """Whether requests have to show something."""
        return not self.config.is_open or self.keys.any()

    def asks_for(self, operation: Operation) -> bool:
        """Whether a request for this has to show something.

        Raises:
            CatalogUnavailable: the keys cannot be read, and this may need one.
        """
        try:
            return self.asks
        except CatalogError:
            if operation.least is None:
                return True
            raise

    async def caller(self, scope: Scope, operation: Operation, *, asks: bool) -> Caller:
        """Returns who makes a request.

        Raises:
            KeyMissing: it shows nothing, and needs to.
            KeyWrong: what it shows opens nothing.
            Forbidden: it shows a token that gives no role.
            CrossSite: it shows a cookie to a page of another site.
            IssuerUnreachable: it shows a token that cannot be checked.
        """
        address = address_of(scope)
        shown = take_key(scope, in_query=self.config.key_in_query)
        if not asks:
            return Caller(address=address)
        if shown is not None:
            return await self._bearer(shown, address)
        known = self._signed_in(scope, operation, address)
        if known is not None:
            return known
        if operation.least is None:
            return Caller(role=self.config.anonymous, address=address)
        raise KeyMissing

    def ticket(self, scope: Scope) -> str | None:
        """What a browser shows that somebody signed in with."""
        for name, _ in scope["headers"]:
            if name == b"cookie":
                return cookie(scope, self.site.cookie_name(scope))
        return None

    async def _bearer(self, shown: str, address: str) -> Caller:
        if self.read_token is not None and is_token(shown):
            return replace(await self.read_token(shown), address=address)
        key = self.keys.find(shown)
        if key is None:
            raise KeyWrong
        return Caller.with_key(key, address)

    def _signed_in(self, scope: Scope, operation: Operation, address: str) -> Caller | None:
        ticket = self.ticket(scope)
        if ticket is None:
            return None
        found = self.logins.find(ticket, address)
        if found is not None:
            check_page(scope, self.site)
        elif operation.least is not None:
            raise LoginOver
        return found
