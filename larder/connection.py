"""Connections: none that only holds its place keeps others out.

uvicorn waits for ever for a request that has begun and for a body, takes headers of any length
and any number of connections. Here a look each second over a worker's connections ends what is too
slow; a request pays for that with a few assignments.
"""

import asyncio
import logging
import resource
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

LOOK_EACH_S = 1.0
HEADER_BYTES = 64 * 1024
EVICTED_SHARE = 0.1
"""Of the connections that may be open: so many idle ones go when there is no room for another."""
OTHER_FILES = 256
"""What else a worker has open."""


@dataclass(frozen=True)
class ConnectionLimits:
    """What one client of a worker may do to its connections.

    Attributes:
        patience_s: How long a request may take until its headers are there, and over how long the
            rate of a body is measured: a shorter pause does no harm.
        body_rate_bytes: What a body has to bring each second; 0 is any.
        connections: How many may be open.
    """

    patience_s: float = 15.0
    body_rate_bytes: int = 1024
    connections: int = 4000


def protocol_within(limits: ConnectionLimits) -> "type[Connection]":
    """Returns the class of a worker's connections.

    The process may open as many files as its hard limit says from now on, for connections are some;
    there are no more of them than that leaves room for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = wanted if soft == resource.RLIM_INFINITY else soft
    most = max(16, min(limits.connections, room - OTHER_FILES))

    class Bounded(Connection):
        bounds = ConnectionLimits(limits.patience_s, limits.body_rate_bytes, most)
        watch = None

    return Bounded


class Connection(HttpToolsProtocol):
    """A connection to a client who is not waited for without end."""

    bounds: ClassVar[ConnectionLimits]
    watch: ClassVar[asyncio.TimerHandle | None]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins; the connections that are idle longest make room for it."""
        self.since = self.loop.time()  # it waits for a request, or the request has begun
        self.is_within = False  # a request
        self.brought = 0
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._make_room()
        if type(self).watch is None:
            type(self).watch = self.loop.call_later(LOOK_EACH_S, self._look_at_all)

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent."""
        self.brought += len(data)
        super().data_received(data)
        if self.is_within and self.brought > HEADER_BYTES and not self._has_headers():
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too long")

    def on_message_begin(self) -> None:
        """Notes when a request begins."""
        super().on_message_begin()
        self.since = self.loop.time()
        self.is_within = True
        self.brought = 0

    def on_headers_complete(self) -> None:
        """Notes when its body does."""
        super().on_headers_complete()
        self.since = self.loop.time()
        self.brought = 0

    def on_message_complete(self) -> None:
        """Notes that all of it is there."""
        super().on_message_complete()
        self.is_within = False

    def look(self, now: float) -> None:
        """Ends the connection if its client is too slow."""
        if self.transport.is_closing():
            return
        waited_s = now - self.since
        if not self.is_within:
            if self.cycle is None and waited_s > self.bounds.patience_s:
                self.transport.close()  # there is no request that an answer could belong to
        elif not self._has_headers():
            if not self._is_answered():
                self.since = now  # an earlier request is worked on: that has its own limits
            elif waited_s > self.bounds.patience_s:
                self._end(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to begin")
        elif self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self.since, self.brought = now, 0  # it is we who are slow
        elif waited_s > self.bounds.patience_s:
            if self.brought < self.bounds.body_rate_bytes * waited_s:
                self._end(HTTPStatus.REQUEST_TIMEOUT, "the body came too slowly")
            self.since, self.brought = now, 0

    def _has_headers(self) -> bool:
        return self.cycle is not None and self.cycle.scope is self.scope

    def is_idle(self) -> bool:
        """Whether nobody works on a request of it."""
        if self.is_within:
            return not self._has_headers()
        return self._is_answered()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Closes the connections that are idle longest; itself where none is idle."""
        idle = sorted(
            (one for one in self._all() if one is not self and one.is_idle()),
            key=lambda one: one.since,
        )
        for one in idle[: max(1, int(self.bounds.connections * EVICTED_SHARE))]:
            one.transport.close()
            self.connections.discard(one)
        if not idle:
            self._end(HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections")

    def _look_at_all(self) -> None:
        now = self.loop.time()
        for one in self._all():
            one.look(now)
        again = self.loop.call_later(LOOK_EACH_S, self._look_at_all) if self.connections else None
        type(self).watch = again

    def _all(self) -> list[Any]:
        return list(self.connections)

    def _end(self, status: HTTPStatus, reason: str) -> None:
        """Says why, unless an answer has begun, and closes; the application finds it closed."""
        log.info("connection ended client=%s reason=%s", self.client, reason)
        cycle = self.cycle
        if self._is_answered() or not cycle.response_started:
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\n"
                f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(reason) + 1}\r\n"
            )
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                head += "retry-after: 1\r\n"
            self.transport.write(f"{head}\r\n{reason}\n".encode())
        self.transport.close()
        if not self._is_answered():
            cycle.disconnected = True
            cycle.message_event.set()
