"""A request's body: in memory while it is small, on disk beyond that."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from starlette.types import Receive

from api.errors import BodyTooLarge, ClientGone

IN_MEMORY_BYTES = 1024 * 1024
LIMIT_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Body:
    """The bytes of a body and the Content-Type they came with."""

    content_type: str | None = None
    small: bytes = b""
    spool: IO[bytes] | None = field(default=None, compare=False)
    length: int = 0

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    def read(self) -> bytes:
        """Returns the whole body in memory."""
        if self.spool is None:
            return self.small
        self.spool.seek(0)
        return self.spool.read()

    def open(self) -> IO[bytes] | None:
        """Returns the file that holds a large body, at its start; None for a small one."""
        if self.spool is not None:
            self.spool.seek(0)
        return self.spool

    def close(self) -> None:
        """Removes what was kept on disk."""
        if self.spool is not None:
            self.spool.close()


async def receive_body(receive: Receive, content_type: str | None, folder: Path) -> Body:
    """Returns the body, after the last of it has come.

    Raises:
        BodyTooLarge: it has more than `LIMIT_BYTES`.
        ClientGone: the client closed the connection before the end.
    """
    content = bytearray()
    spool: IO[bytes] | None = None
    length = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > LIMIT_BYTES:
            raise BodyTooLarge(LIMIT_BYTES)
        if spool is None and length > IN_MEMORY_BYTES:
            spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed with the body
            spool.write(content)
            content.clear()
        if spool is None:
            content += chunk
        else:
            spool.write(chunk)
        more = message.get("more_body", False)
    return Body(content_type, bytes(content), spool, length)
