"""Bodies of requests to /v1: small ones, taken in whole before anything looks at them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.api_error import ApiError
from api.errors import BodyTooLarge, ClientGone, EncodedBody
from api.linger import send_and_close
from api.problem import problem_reply

LIMIT_BYTES = 1024 * 1024
IDENTITY = b"identity"


@dataclass(frozen=True)
class SmallBodies:
    """Gives requests on to `app` with their bodies, if those are small."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not has_body(scope):
            await self.app(scope, receive, send)
            return
        try:
            check_encoding(scope)
            body = await _taken_in(receive, content_length(scope))
        except ClientGone:
            return
        except ApiError as error:
            await send_and_close(receive, send, problem_reply(error))
            return
        again: Message = {"type": "http.request", "body": body, "more_body": False}
        await self.app(scope, replay(again, receive), send)


def has_body(scope: Scope) -> bool:
    """Whether a request says that a body follows."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def content_length(scope: Scope) -> int:
    """Returns how long a request says that its body is, 0 if it says nothing."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(length) if length.isdigit() else 0


def check_encoding(scope: Scope) -> None:
    """Returns if the body is as it is.

    Raises:
        EncodedBody: it is compressed.
    """
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", IDENTITY):
            raise EncodedBody(value.decode("latin-1"))


def replay(first: Message, receive: Receive) -> Receive:
    """Returns a `receive` that gives a message again before all that come."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return first

    return replayed


async def _taken_in(receive: Receive, length: int) -> bytes:
    if length > LIMIT_BYTES:
        raise BodyTooLarge(LIMIT_BYTES)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > LIMIT_BYTES:
            raise BodyTooLarge(LIMIT_BYTES)
        if not message.get("more_body", False):
            return bytes(body)
