"""The gate: nobody gets past it who is not known, or asks for what they may not.

An ASGI callable around all others: it finds out who asks, what for, and whether they may; what it
lets through knows its caller (`api.caller.caller_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access_config import AccessConfig
from api.api_error import ApiError
from api.askers import Askers
from api.caller import Caller, set_caller
from api.credentials import shown_key
from api.errors import status_of
from api.key_ring import KeyRing
from api.linger import send_and_close
from api.operations import Operation, operation_of
from api.problem import problem_reply
from api.rate_limits import RateLimits, with_fields
from api.refusals import Forbidden, KeyMissing, KeyWrong, RateExceeded
from api.reply import Reply, text
from api.retry_after import pause, retry_headers
from engine.asker import set_asker
from jobs.errors import JobError

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", Basic realm="larder"')


@dataclass
class Gate:
    """Lets requests through to `app`.

    Attributes:
        app: What is behind it.
        keys: The keys that there are.
        config: What the operator decided.
        rates: How often who may ask.
        askers: On whose behalf R is asked.
    """

    app: ASGIApp
    keys: KeyRing
    config: AccessConfig
    rates: RateLimits
    askers: Askers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, or answers why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        operation = operation_of(scope["method"], scope["path"])
        try:
            caller = self._identify(scope, operation)
            counted = () if operation.name == "health" else self.rates.admit(caller)
            _check(caller, operation)
        except (ApiError, JobError) as error:
            if isinstance(error, RateExceeded):
                await pause()
            await send_and_close(receive, send, _refusal(scope, error))
            return
        set_caller(scope, caller)
        set_asker(self.askers.of(caller))
        await self.app(scope, receive, with_fields(send, counted) if counted else send)

    def _identify(self, scope: Scope, operation: Operation) -> Caller:
        client = scope.get("client")
        address = client[0] if client else ""
        shown = shown_key(scope, in_query=self.config.key_in_query)
        if shown is not None:
            key = self.keys.find(shown)
            if key is not None:
                return Caller.with_key(key, address)
            if self._asks():
                self.rates.count_failure(address)
                raise KeyWrong
        if not self._asks():
            return Caller(address=address)
        if operation.least is None:
            return Caller(role=self.config.anonymous, address=address)
        self.rates.count_failure(address)
        raise KeyMissing

    def _asks(self) -> bool:
        return not self.config.is_open or self.keys.any()


def _check(caller: Caller, operation: Operation) -> None:
    if operation.least is None:
        return
    if not caller.role.covers(operation.least):
        raise Forbidden(f"a key with the role {caller.role} may not do this; {operation.least} may")
    if operation.job is not None and not caller.may_read(operation.job):
        raise Forbidden(f"this key is not for the job {operation.job}")
    if operation.function is not None and not caller.may_call(operation.function):
        raise Forbidden(f"this key is not for the function {operation.function}")


def _refusal(scope: Scope, error: ApiError | JobError) -> Reply:
    if scope["path"].startswith("/ocpu"):
        reply = text(status_of(error), f"{error}\n", *retry_headers(error))
    else:
        reply = problem_reply(error)
    return reply.with_headers(CHALLENGE) if isinstance(error, KeyMissing | KeyWrong) else reply
