"""OpenID Connect: an issuer signs people in (authorization code with PKCE, state and nonce)."""

from __future__ import annotations

import logging
from typing import Any, Final

from authlib.common.security import generate_token
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc6750 import add_bearer_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from api.access_config import OidcConfig
from api.caller import Caller
from api.fetch import fetch
from api.issuer import Issuer
from api.refusals import SignInFailed, TokenWrong
from api.sign_in_state import SignInState
from api.token_check import TokenCheck
from cache.clock import Clock

log = logging.getLogger(__name__)

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_RANDOM_CHARACTERS: Final = 48


class Oidc:
    """Sends browsers to the issuer, and makes callers of what they come back with.

    Args:
        config: Whose it is.
        clock: Gives the moment.
    """

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._issuer = Issuer(config.issuer)
        self._check = TokenCheck(self._issuer, config.client_id, config.algorithms, config.leeway_s)

    @property
    def host(self) -> str:
        """The issuer's name, for people."""
        return self._issuer.host

    async def begin(self, back: str, page: str) -> tuple[str, SignInState]:
        """Returns where the issuer asks who it is, and what has to be known when it has.

        Args:
            back: Where the issuer sends the browser then.
            page: The page that somebody came for.

        Raises:
            IssuerUnreachable: it does not say where.
        """
        state = SignInState(
            generate_token(_RANDOM_CHARACTERS),
            generate_token(_RANDOM_CHARACTERS),
            generate_token(_RANDOM_CHARACTERS),
            page,
        )
        address = prepare_grant_uri(
            await self._issuer.address("authorization_endpoint"),
            client_id=self._config.client_id,
            response_type="code",
            redirect_uri=back,
            scope=list(self._config.scopes),
            state=state.state,
            nonce=state.nonce,
            code_challenge=create_s256_code_challenge(state.verifier),
            code_challenge_method="S256",
        )
        return address, state

    async def complete(self, state: SignInState, code: str, back: str) -> Caller:
        """Returns who signed in, by the code that the browser came back with.

        Raises:
            SignInFailed: the issuer does not take the code, or what it says is not for us.
            Forbidden: who signed in has no role here.
            IssuerUnreachable: it cannot be asked.
        """
        given = await self._tokens(state, code, back)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed(f"{self.host} did not say who signed in")
        try:
            claims = await self._check.claims(token, self._clock())
            params = {"nonce": state.nonce, "client_id": self._config.client_id}
            CodeIDToken(claims, {}, params=params).validate(
                now=int(self._clock().timestamp()), leeway=int(self._config.leeway_s)
            )
        except TokenWrong as error:
            raise SignInFailed(str(error)) from error
        except JoseError as error:
            raise SignInFailed(f"the token is not of this sign-in: {error.description}") from error
        if self._config.rules.misses(claims):
            claims = {**await self._told_besides(given, claims["sub"]), **claims}
        return self._config.rules.caller(claims)

    async def _tokens(self, state: SignInState, code: str, back: str) -> dict[str, Any]:
        address = await self._issuer.address("token_endpoint")
        body = prepare_token_request(
            "authorization_code", redirect_uri=back, code=code, code_verifier=state.verifier
        )
        client = ClientAuth(self._config.client_id, self._config.client_secret, await self._way())
        address, headers, body = client.prepare("POST", address, dict(_FORM), body)
        answer = await fetch(address, body, headers)
        if answer.status != 200:
            reason = answer.members.get("error", answer.status)
            log.warning("issuer took no code issuer=%s reason=%s", self.host, reason)
            raise SignInFailed(f"{self.host} did not take the code: sign in again")
        return answer.members

    async def _way(self) -> str:
        """How this server proves to the issuer who it is."""
        if self._config.client_secret is None:
            return "none"
        ways = (await self._issuer.facts()).get("token_endpoint_auth_methods_supported") or []
        only_post = "client_secret_post" in ways and "client_secret_basic" not in ways
        return "client_secret_post" if only_post else "client_secret_basic"

    async def _told_besides(self, given: dict[str, Any], subject: str) -> dict[str, Any]:
        """What the issuer says of somebody where it is asked, of whoever its token is about."""
        access = given.get("access_token")
        if "userinfo_endpoint" not in await self._issuer.facts() or not isinstance(access, str):
            return {}
        address = await self._issuer.address("userinfo_endpoint")
        address, headers, _ = add_bearer_token(access, address, {}, None)
        answer = await fetch(address, headers=headers)
        if answer.status != 200 or answer.members.get("sub") != subject:
            return {}
        return answer.members
