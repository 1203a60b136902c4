"""The gate: nobody gets past it who is not known, or asks for what they may not.

An ASGI callable around all others: it finds out who asks, what for, and whether they may; what it
lets through knows its caller (`api.caller.caller_of`), and what the request was before proxies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access_config import AccessConfig
from api.api_error import ApiError
from api.askers import Askers
from api.caller import Caller, set_caller
from api.client_address import address_of
from api.cross_origin import is_preflight, origin_of, preflight_reply, with_headers
from api.errors import status_of
from api.identity import Identity
from api.linger import send_and_close
from api.operations import Operation, note_refusal, operation_of, set_operation
from api.private_reply import private
from api.problem import problem_reply
from api.rate_limits import RateLimits
from api.refusals import (
    Forbidden,
    IssuerUnreachable,
    KeyMissing,
    KeyWrong,
    LoginOver,
    ProxyUnknown,
    RateExceeded,
    TokenWrong,
)
from api.reply import Headers, Reply, text
from api.request_path import is_ocpu, request_path
from api.retry_after import pause, retry_headers
from api.sign_in import asks_for_page, to_sign_in
from engine.asker import set_asker
from jobs.errors import JobError

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", Basic realm="larder"')
TOKEN_CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", error="invalid_token"')


@dataclass
class Gate:
    """Lets requests through to `app`.

    Attributes:
        app: What is behind it.
        identity: Finds out who asks.
        config: What the operator decided.
        rates: How often who may ask.
        askers: On whose behalf R is asked.
    """

    app: ASGIApp
    identity: Identity
    config: AccessConfig
    rates: RateLimits
    askers: Askers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, or answers why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        for_pages: Headers = ()
        try:
            scope["path"] = request_path(scope)
            operation = operation_of(scope["method"], scope["path"])
            set_operation(scope, operation)
            asks = self.identity.asks_for(operation)
            self._take_address(scope, asks=asks)
            page = origin_of(scope, self.config.pages)
            for_pages = self.config.pages.check(scope, page, asks=asks)
            if for_pages and page is not None and is_preflight(scope):
                await send_and_close(receive, send, preflight_reply(for_pages))
                return
            caller = await self._identify(scope, operation, asks=asks)
            set_caller(scope, caller)  # before it is looked at: the audit tells who was refused
            counted = () if operation.name == "health" else self.rates.admit(caller)
            _check(caller, operation, page)
        except (ApiError, JobError) as error:
            note_refusal(scope, error)
            if isinstance(error, RateExceeded):
                await pause()
            await send_and_close(receive, send, _refusal(scope, error).with_headers(*for_pages))
            return
        set_asker(self.askers.of(caller))
        more = (*for_pages, *counted)
        sent = with_headers(send, more) if more else send
        await self.app(scope, receive, private(sent) if caller.name else sent)

    def _take_address(self, scope: Scope, *, asks: bool) -> None:
        """Has the scope say who asks and for which server, and refuses what is not for this one."""
        config = self.config
        unknown = config.proxies.take(scope)
        if unknown and config.is_alone and not asks:
            raise ProxyUnknown(address_of(scope))
        (config.hosts if asks else config.hosts_while_open).check(scope)

    async def _identify(self, scope: Scope, operation: Operation, *, asks: bool) -> Caller:
        """Finds out who asks; those who guess at keys are counted."""
        try:
            return await self.identity.caller(scope, operation, asks=asks)
        except (KeyMissing, KeyWrong):
            self.rates.count_failure(address_of(scope))
            raise


def _check(caller: Caller, operation: Operation, page: str | None) -> None:
    if page is not None and caller.origins and page not in caller.origins:
        raise Forbidden(f"this key is not for pages of {page}")
    if operation.least is None:
        return
    if not caller.role.covers(operation.least):
        raise Forbidden(f"a key with the role {caller.role} may not do this; {operation.least} may")
    if operation.job is not None and not caller.may_read(operation.job):
        raise Forbidden(f"this key is not for the job {operation.job}")
    if operation.function is not None and not caller.may_call(operation.function):
        raise Forbidden(f"this key is not for the function {operation.function}")


def _refusal(scope: Scope, error: ApiError | JobError) -> Reply:
    if isinstance(error, KeyMissing | LoginOver) and asks_for_page(scope):
        return to_sign_in(scope)
    if is_ocpu(scope["path"]):
        reply = text(status_of(error), f"{error}\n", *retry_headers(error))
    else:
        reply = problem_reply(error)
    if isinstance(error, IssuerUnreachable):
        return reply.with_headers(("Retry-After", "1"))
    if isinstance(error, TokenWrong):
        return reply.with_headers(TOKEN_CHALLENGE)
    return reply.with_headers(CHALLENGE) if isinstance(error, KeyMissing | KeyWrong) else reply
