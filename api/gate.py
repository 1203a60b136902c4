"""The gate: nobody gets past it who is not known, or asks for what they may not.

An ASGI callable around all others: it finds out who asks, what for, and whether they may; what it
lets through knows its caller (`api.caller.caller_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access_config import AccessConfig
from api.api_error import ApiError
from api.caller import Caller, set_caller
from api.credentials import shown_key
from api.errors import status_of
from api.key_ring import KeyRing
from api.linger import send_and_close
from api.operations import Operation, operation_of
from api.problem import problem_reply
from api.refusals import Forbidden, KeyMissing, KeyWrong
from api.reply import Reply, text
from jobs.errors import JobError

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="larder", Basic realm="larder"')


@dataclass
class Gate:
    """Lets requests through to `app`.

    Attributes:
        app: What is behind it.
        keys: The keys that there are.
        config: What the operator decided.
    """

    app: ASGIApp
    keys: KeyRing
    config: AccessConfig

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets one request through, or answers why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        operation = operation_of(scope["method"], scope["path"])
        try:
            caller = self._identify(scope, operation)
            _check(caller, operation)
        except (ApiError, JobError) as error:
            await send_and_close(receive, send, _refusal(scope, error))
            return
        set_caller(scope, caller)
        await self.app(scope, receive, _private(send) if caller.name else send)

    def _identify(self, scope: Scope, operation: Operation) -> Caller:
        client = scope.get("client")
        address = client[0] if client else ""
        shown = shown_key(scope, in_query=self.config.key_in_query)
        if shown is not None:
            key = self.keys.find(shown)
            if key is not None:
                return Caller.with_key(key, address)
            if self._asks():
                raise KeyWrong
        if not self._asks():
            return Caller(address=address)
        if operation.least is None:
            return Caller(role=self.config.anonymous, address=address)
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


def _private(send: Send) -> Send:
    """Has no cache on the way keep what one key was answered: another may not read it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value.replace(b"public", b"private") if name == b"cache-control" else value)
                for name, value in message["headers"]
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sent


def _refusal(scope: Scope, error: ApiError | JobError) -> Reply:
    if scope["path"].startswith("/ocpu"):
        reply = text(status_of(error), f"{error}\n")
    else:
        reply = problem_reply(error)
    return reply.with_headers(CHALLENGE) if isinstance(error, KeyMissing | KeyWrong) else reply
