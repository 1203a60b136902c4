"""Connections to the broker, kept and lent again; for threads, not for use after fork."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from engine.errors import EngineUnavailable
from engine.unix_socket import short_path


class Connections:
    """The connections to the Unix socket at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def lend(self) -> Iterator[socket.socket]:
        """Lends a connection; one that saw an error in transport is not used again.

        Raises:
            EngineUnavailable: the broker does not answer.
        """
        connection = self._borrow()
        try:
            yield connection
        except OSError as error:
            connection.close()
            raise EngineUnavailable(self._path, str(error)) from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Closes those that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def _borrow(self) -> socket.socket:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if _alive(connection):
                    return connection
                connection.close()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_path(self._path) as address:
                connection.connect(address)
        except OSError as error:
            connection.close()
            raise EngineUnavailable(self._path, error.strerror or str(error)) from error
        return connection


def _alive(connection: socket.socket) -> bool:
    """Whether the broker still holds the other end, and nothing is left in it of an old answer."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True  # it never speaks first
    except OSError:
        pass
    return False
