"""HTTP by the byte, for clients that do what no client library would."""

import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

WITHIN_S = 30.0


class Wire:
    """A connection to a server of 127.0.0.1; a context manager."""

    def __init__(self, url: str) -> None:
        port = int(url.rpartition(":")[2])
        self.socket = socket.create_connection(("127.0.0.1", port), WITHIN_S)

    def send(self, data: bytes) -> None:
        with suppress(ConnectionError):  # the answer is there, and says why
            self.socket.sendall(data)

    def drip(self, pieces: Iterable[bytes], each_s: float) -> None:
        """Sends piece after piece until the server has had enough."""
        self.socket.settimeout(each_s)
        for piece in pieces:
            self.send(piece)
            try:
                if self.socket.recv(1, socket.MSG_PEEK) is not None:
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        self.socket.settimeout(WITHIN_S)

    def rest(self) -> bytes:
        """All that the server sends until it closes."""
        said = bytearray()
        with suppress(ConnectionError):
            while piece := self.socket.recv(65536):
                said += piece
        return bytes(said)

    def until(self, end: bytes) -> bytes:
        """What the server sends up to these bytes, or until it closes."""
        said = bytearray()
        deadline = time.monotonic() + WITHIN_S
        while end not in said and time.monotonic() < deadline:
            piece = self.socket.recv(65536)
            if not piece:
                break
            said += piece
        return bytes(said)

    def status(self) -> int:
        """The status of the answer, 0 where the connection was closed without one."""
        try:
            head = self.until(b"\r\n").split(b" ", 2)
        except ConnectionError:
            return 0
        return int(head[1]) if len(head) > 1 else 0

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
