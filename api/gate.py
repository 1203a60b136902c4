"""The gate: nobody gets past it who is not known, or asks for what they may not.

An ASGI callable around all others: it finds out who asks, what for, and whether they may; what it
lets through knows its caller (`api.caller.caller_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.api_error import ApiError
from api.caller import Caller, set_caller
from api.errors import status_of
from api.identity import Identity
from api.linger import send_and_close
from api.operations import Operation, operation_of
from api.private_reply import private
from api.problem import problem_reply
from api.refusals import (
    Forbidden,
    IssuerUnreachable,
    KeyMissing,
    KeyWrong,
    LoginOver,
    TokenWrong,
)
from api.reply import Reply, text
from api.sign_in import asks_for_page, to_sign_in
from jobs.errors import JobError

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", Basic realm="larder"')
TOKEN_CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", error="invalid_token"')


@dataclass
class Gate:
    """Lets requests through to `app`.

    Attributes:
        app: What is behind it.
        identity: Finds out who asks.
    """

    app: ASGIApp
    identity: Identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, or answers why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        operation = operation_of(scope["method"], scope["path"])
        try:
            caller = await self.identity.caller(scope, operation)
            _check(caller, operation)
        except (ApiError, JobError) as error:
            await send_and_close(receive, send, _refusal(scope, error))
            return
        set_caller(scope, caller)
        await self.app(scope, receive, private(send) if caller.name else send)


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
    if isinstance(error, KeyMissing | LoginOver) and asks_for_page(scope):
        return to_sign_in(scope)
    if scope["path"].startswith("/ocpu"):
        reply = text(status_of(error), f"{error}\n")
    else:
        reply = problem_reply(error)
    if isinstance(error, IssuerUnreachable):
        return reply.with_headers(("Retry-After", "1"))
    if isinstance(error, TokenWrong):
        return reply.with_headers(TOKEN_CHALLENGE)
    return reply.with_headers(CHALLENGE) if isinstance(error, KeyMissing | KeyWrong) else reply
