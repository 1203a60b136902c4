"""A request's body: in memory while it is small, on disk beyond that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.types import Receive

from api.errors import ClientGone, FormTooLarge, UploadTooLarge
from api.form import FORM
from api.multipart import MULTIPART, Part, beginning_of
from api.spool import Spool

IN_MEMORY_BYTES = 1024 * 1024
"""Larger bodies are written to disk, in pieces of this size: each is worth the way to a thread."""
LIMIT_BYTES = 2 * 1024**3
FORM_LIMIT_BYTES = 16 * 1024 * 1024
"""Of a form: it is taken apart in memory. What is larger belongs into the parts of a multipart."""
WRITERS = 8
"""Uploads that are written at a time. Their threads are not those in which calls wait for R."""

T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """The bytes of a body and the Content-Type they came with.

    A large one lies at `path`, or if it is multipart as `parts`, until it is closed.
    """

    content_type: str | None = None
    small: bytes = b""
    path: Path | None = None
    length: int = 0
    parts: tuple[Part, ...] | None = None
    spool: Spool | None = field(default=None, compare=False)

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return _media_type(self.content_type)

    def read(self) -> bytes:
        """Returns the whole body in memory; blocks if it is large."""
        return self.small if self.path is None else self.path.read_bytes()

    def beginning(self) -> bytes:
        """Returns the first bytes of it."""
        return self.small[:4] if self.path is None else beginning_of(self.path)

    async def aclose(self) -> None:
        """Removes what no call has taken from the disk."""
        if self.spool is not None:
            await _discard(self.spool)


async def receive_body(
    receive: Receive,
    content_type: str | None,
    state_folder: Path,
    *,
    content_length: int | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Body:
    """Returns the body, after the last of it has come; a large one has been written meanwhile.

    It has to be closed. After an error the rest of it is unread, and nothing of it is left.

    Raises:
        UploadTooLarge: it has more than `limit_bytes`, or its `content_length` says so.
        FormTooLarge: it is a form of more than `FORM_LIMIT_BYTES`.
        UploadInvalid: it is multipart, large, and not what its boundary promises.
        StoreFull, StoreUnavailable: it cannot be written.
        ClientGone: the client closed the connection before the end.
    """
    kind = _media_type(content_type)
    intake = _Intake(receive, limit_bytes, is_form=kind == FORM)
    intake.check(content_length or 0)
    piece = await intake.piece()
    if len(piece) <= IN_MEMORY_BYTES:
        return Body(content_type, piece, None, len(piece))
    multipart = content_type if kind == MULTIPART else None
    spool = await _in_thread(partial(Spool, state_folder, multipart))
    try:
        await _in_thread(partial(spool.write, piece))
        while intake.more:
            piece = await intake.piece()
            await _in_thread(partial(spool.write, piece))
        await _in_thread(spool.finish)
    except BaseException:
        await _discard(spool)
        raise
    return Body(content_type, b"", spool.path, intake.length, spool.parts, spool)


class _Intake:
    """What the client sends, in pieces of a little more than `IN_MEMORY_BYTES`.

    Attributes:
        length: Bytes that have come.
        more: Whether there are more to come.
    """

    def __init__(self, receive: Receive, limit_bytes: int, *, is_form: bool) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._is_form = is_form
        self.length = 0
        self.more = True

    async def piece(self) -> bytes:
        """Returns the next piece; one that is no larger than that ends the body."""
        piece = bytearray()
        while self.more and len(piece) <= IN_MEMORY_BYTES:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            self.more = message.get("more_body", False)
            self.length += len(chunk)
            self.check(self.length)
            piece += chunk
        return bytes(piece)

    def check(self, length: int) -> None:
        """Refuses a body of this length if it is too large."""
        if length > self._limit_bytes:
            raise UploadTooLarge(self._limit_bytes)
        if self._is_form and length > FORM_LIMIT_BYTES:
            raise FormTooLarge(FORM_LIMIT_BYTES)


async def _discard(spool: Spool) -> None:
    with anyio.CancelScope(shield=True):  # also when the server stops
        await _in_thread(spool.discard)


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work, limiter=_writers())


@cache
def _writers() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(WRITERS)


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
