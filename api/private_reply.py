"""Private replies: what somebody was let in to see is kept by no cache that others share."""

from __future__ import annotations

from starlette.types import Message, Send

_NAME = b"cache-control"


def private(send: Send) -> Send:
    """Returns a `send` that says so.

    Answers are `public` for whoever may ask without showing anything. The word would have a proxy
    keep those to a key or token too (RFC 9111, 3.5), and one to a cookie is kept without it.
    """

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [pair if pair[0] != _NAME else _own(pair) for pair in message["headers"]]
            message = {**message, "headers": headers}
        await send(message)

    return sent


def _own(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    directives = pair[1]
    if b"public" in directives:
        return _NAME, directives.replace(b"public", b"private")
    if b"no-store" in directives or b"private" in directives:
        return pair
    return _NAME, directives + b", private"
