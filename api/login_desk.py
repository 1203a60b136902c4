"""The login desk: signs people in, by a key or by the issuer, and out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from api.api_error import ApiError, NotFound
from api.caller import Caller, caller_of
from api.errors import status_of
from api.identity import Identity
from api.issuers import SignInIssuer
from api.own_pages import check_page
from api.refusals import KeyWrong, SignInFailed
from api.reply import Headers, Reply
from api.sign_in import PATH, own_path
from api.sign_in_state import kept_state
from api.web.template import filled

CALLBACK: Final = "/login/callback"
_NO_COOKIE: Final = (
    "signing in needs https here, or everybody on the way could read who you are: open the https"
    " address of this server; its operator sets it as 'url' in larder.yaml"
)


@dataclass
class LoginDesk:
    """Signs people in and out.

    Attributes:
        identity: Who is who.
        issuer: Who signs people in besides keys; None is nobody.
    """

    identity: Identity
    issuer: SignInIssuer | None

    def form(
        self, scope: Scope, asked: str | None, error: Exception | None = None, *, over: bool = False
    ) -> Reply:
        """The page to sign in on.

        Args:
            scope: Of the request.
            asked: The page that somebody came for.
            error: Why they could not be signed in.
            over: Whether they just signed out.
        """
        if error is None and not self.identity.site.keeps_cookies(scope):
            error = SignInFailed(_NO_COOKIE)
        return filled(
            "login.html",
            200 if error is None else status_of(error),
            keep="no-store",
            asks=self.identity.asks,
            error=str(error) if error else "",
            issuer=self.issuer.host if self.issuer else "",
            name=caller_of(scope).name,
            next=own_path(asked),
            over=over,
        )

    async def by_key(self, scope: Scope, fields: Mapping[str, str]) -> Reply:
        """Signs in whoever holds the key that the form has."""
        asked = fields.get("next")
        try:
            check_page(scope, self.identity.site)
            key = self.identity.keys.find(fields.get("key", "").strip())
            if key is None:
                raise KeyWrong
            return await self._signed_in(scope, Caller.with_key(key, ""), own_path(asked))
        except ApiError as error:
            return self.form(scope, asked, error)

    async def to_issuer(self, scope: Scope, asked: str | None) -> Reply:
        """Sends the browser to the issuer."""
        if self.issuer is None:
            raise NotFound("no issuer signs people in on this server: sign in by a key")
        try:
            self._need_cookies(scope)
            address, state = await self.issuer.begin(self._back(scope), own_path(asked))
        except ApiError as error:
            return self.form(scope, asked, error)
        return _see(address, state.cookie(self.identity.site, scope))

    async def from_issuer(self, scope: Scope, given: Mapping[str, str]) -> Reply:
        """Signs in whoever the issuer sent back."""
        if self.issuer is None:
            raise NotFound("no issuer signs people in on this server: sign in by a key")
        site = self.identity.site
        state = kept_state(site, scope, given.get("state", ""))
        if state is None:
            reason = "this sign-in was not begun in this browser, or too long ago: sign in again"
            return self.form(scope, None, SignInFailed(reason))
        forgotten = state.forgotten(site, scope)
        try:
            if "error" in given or not given.get("code"):
                said = given.get("error", "it gave no code")[:50]
                raise SignInFailed(f"{self.issuer.host} signed nobody in: {said}")
            caller = await self.issuer.complete(state, given["code"], self._back(scope))
            return await self._signed_in(scope, caller, state.page, forgotten)
        except ApiError as error:
            return self.form(scope, state.page, error).with_headers(forgotten)

    async def sign_out(self, scope: Scope) -> Reply:
        """Signs out whoever is signed in with this browser."""
        ticket = self.identity.ticket(scope)
        if ticket is not None:
            check_page(scope, self.identity.site)
            await run_in_threadpool(self.identity.logins.end, ticket)
        site = self.identity.site
        taken = site.set_cookie(scope, site.cookie_name(scope), "", 0)
        return _see(f"{PATH}?over=1", taken)

    async def _signed_in(
        self, scope: Scope, caller: Caller, where: str, *cookies: tuple[str, str]
    ) -> Reply:
        """Gives the browser a new ticket; the one that it has shown counts no more."""
        self._need_cookies(scope)
        earlier = self.identity.ticket(scope)
        logins, site = self.identity.logins, self.identity.site
        ticket = await run_in_threadpool(logins.begin, caller)
        if earlier is not None:
            await run_in_threadpool(logins.end, earlier)
        kept = site.set_cookie(scope, site.cookie_name(scope), ticket, int(logins.keep_s))
        return _see(where, *cookies, kept)

    def _need_cookies(self, scope: Scope) -> None:
        if not self.identity.site.keeps_cookies(scope):
            raise SignInFailed(_NO_COOKIE)

    def _back(self, scope: Scope) -> str:
        return self.identity.site.base(scope) + CALLBACK


def _see(where: str, *headers: tuple[str, str]) -> Reply:
    more: Headers = (("Location", where), ("Cache-Control", "no-store"), *headers)
    return Reply(303, headers=more)
