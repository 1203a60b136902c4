"""Messages between the processes of the engine: a JSON header and, behind it, raw bodies.

On the wire: the header's length and each body's length as 4 bytes, then the bytes. Bodies of more
than `INLINE_BYTES` travel as files instead, named in the header.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Any

import orjson

INLINE_BYTES = 64 * 1024
HEADER_LIMIT_BYTES = 256 * 1024 * 1024
MOST_BLOBS = 1024
HANDOVER_S = 2.0
HELLO = b"!"
"""What the next step of a chain says first; the kernel adds to it who says so."""

Header = dict[str, Any]


def pack(header: Header, blobs: Sequence[bytes] = ()) -> bytes:
    """Returns the message as it goes over the socket."""
    text = orjson.dumps(header)
    lengths = struct.pack(f"<II{len(blobs)}I", len(text), len(blobs), *map(len, blobs))
    return b"".join((lengths, text, *blobs))


def send(connection: socket.socket, header: Header, blobs: Sequence[bytes] = ()) -> None:
    """Sends one message; blocks."""
    connection.sendall(pack(header, blobs))


def receive(connection: socket.socket) -> tuple[Header, list[bytes]] | None:
    """Returns the next message, or None when the other side closed; blocks."""
    start = _exactly(connection, 8)
    if start is None:
        return None
    header_length, blob_count = struct.unpack("<II", start)
    lengths = struct.unpack(f"<{blob_count}I", _exactly(connection, 4 * blob_count) or b"")
    text = _exactly(connection, header_length)
    if text is None:
        return None
    blobs = [_exactly(connection, length) or b"" for length in lengths]
    return orjson.loads(text), blobs


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    if count == 0:
        return b""
    buffer = bytearray(count)
    view = memoryview(buffer)
    filled = 0
    while filled < count:
        received = connection.recv_into(view[filled:])
        if received == 0:
            return None
        filled += received
    return bytes(buffer)


async def read(reader: asyncio.StreamReader) -> tuple[Header, list[bytes]] | None:
    """Returns the next message, or None when the other side closed.

    None too where what comes is no message: R code may have got hold of a child's socket.
    """
    try:
        header_length, blob_count = struct.unpack("<II", await reader.readexactly(8))
        if header_length > HEADER_LIMIT_BYTES or blob_count > MOST_BLOBS:
            return None
        lengths = struct.unpack(f"<{blob_count}I", await reader.readexactly(4 * blob_count))
        if any(length > INLINE_BYTES for length in lengths):
            return None
        text = await reader.readexactly(header_length)
        blobs = [await reader.readexactly(length) for length in lengths]
        header = orjson.loads(text)
    except (asyncio.IncompleteReadError, ConnectionError, orjson.JSONDecodeError):
        return None
    return (header, blobs) if isinstance(header, dict) else None
