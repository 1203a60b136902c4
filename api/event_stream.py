"""Server-Sent Events: how what goes on is told as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from fastapi.responses import StreamingResponse

HEARTBEAT_EACH_S = 15.0
"""Time without an event after which a comment shows that the connection is alive."""
FRESH = {"Cache-Control": "no-store"}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}

Look = Callable[[], tuple[list[bytes], bool]]
"""Blocks; gives the events since it was called last, and whether they are the last ones."""


async def events_of(
    look: Look, *, each_s: float, is_stopping: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yields events until the last one, or until the server stops.

    No thread is held between two looks, and there is none while the reader does not read.
    """
    quiet_s = 0.0
    while not is_stopping():
        events, has_ended = await asyncio.to_thread(look)
        for event in events:
            yield event
        if has_ended:
            return
        quiet_s = 0.0 if events else quiet_s + each_s
        if quiet_s >= HEARTBEAT_EACH_S:
            quiet_s = 0.0
            yield b":\n\n"
        await asyncio.sleep(each_s)


def event(number: int, name: str, content: object) -> bytes:
    """Returns one event, whose data is JSON."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, name.encode(), orjson.dumps(content))


def number_of(last_event_id: str) -> int:
    """Returns the id of the last event that a reader says it has, 0 if it says none."""
    return int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 20 else 0


def event_response(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Returns the response that streams them."""
    headers = {**FRESH, "X-Accel-Buffering": "no"}  # or nginx would keep events until they are many
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)
