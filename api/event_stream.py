"""Server-Sent Events: how what goes on is told as it does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.caller import Caller, caller_of
from api.refusals import StreamsTaken

HEARTBEAT_EACH_S = 15.0
"""Time without an event after which a comment shows that the connection is alive."""
MOST_OF_ONE = 32
"""Streams that one caller may follow at a time, of one worker's."""
MOST_OF_ALL = 512
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


@dataclass
class Seats:
    """Streams that are followed now, of one worker."""

    _taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken(self, caller: Caller) -> Iterator[None]:
        """Holds one for a caller, by address if they have no name.

        Raises:
            StreamsTaken: they follow as many as may be, or all do together.
        """
        name = caller.name or caller.address
        for taken, most in ((self._taken[name], MOST_OF_ONE), (self._taken.total(), MOST_OF_ALL)):
            if taken >= most:
                raise StreamsTaken(most)
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]


class EventResponse(StreamingResponse):
    """Streams events, as long as there is a seat for the reader."""

    def __init__(self, events: AsyncIterator[bytes], seats: Seats) -> None:
        # nginx would keep events until they are many
        headers = {**FRESH, "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them.

        Raises:
            StreamsTaken: there is none.
        """
        with self._seats.taken(caller_of(scope)):
            await super().__call__(scope, receive, send)
