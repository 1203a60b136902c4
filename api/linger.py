"""The answer to a request whose body is refused in the middle, so that it arrives."""

from __future__ import annotations

import anyio
from starlette.types import Receive, Send

from api.reply import Reply

LINGER_S = 5.0
"""How long the rest of a refused body is taken in. Closing at once would reset the connection, and
a client that is still sending would see that instead of the answer."""


async def send_and_close(receive: Receive, send: Send, reply: Reply) -> None:
    """Sends a reply at once, and closes the connection when the client has stopped sending."""
    closing = reply.with_headers(("Connection", "close"))
    await send(
        {
            "type": "http.response.start",
            "status": closing.status,
            "headers": closing.wire_headers(),
        }
    )
    await send({"type": "http.response.body", "body": closing.body, "more_body": True})
    with anyio.move_on_after(LINGER_S):
        while (message := await receive())["type"] == "http.request":
            if not message.get("more_body", False):
                break
    await send({"type": "http.response.body", "body": b""})
