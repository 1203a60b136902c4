"""The broker's end of the line to a forking parent: commands go out, events come in."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

MOST_BYTES = 65536


class Control:
    """A control socket that is being listened to.

    Args:
        line: our end; closed once the other one is.
        hear: told of each event, with the descriptors that came with it.
        end: told, once, that the parent has ended.
    """

    def __init__(
        self,
        line: socket.socket,
        hear: Callable[[dict[str, Any], list[int]], None],
        end: Callable[[], None],
    ) -> None:
        self._line: socket.socket | None = line
        self._hear = hear
        self._end = end
        asyncio.get_running_loop().add_reader(line, self._receive)

    def say(self, command: dict[str, Any], *descriptors: int) -> None:
        """Sends a command; one that has ended hears nothing, and its end is told."""
        try:
            if self._line is not None:
                socket.send_fds(self._line, [json.dumps(command).encode()], descriptors)
        except OSError as error:
            log.warning("forking parent unreachable error=%s", error)

    def hang_up(self) -> None:
        """Has the parent end itself and its children; what it tells until then is still heard."""
        if self._line is not None:
            self._line.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        assert self._line is not None  # noqa: S101  # the reader exists only while it does
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._line, MOST_BYTES, 2)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if packet:
            self._hear(json.loads(packet), descriptors)
            return
        asyncio.get_running_loop().remove_reader(self._line)
        self._line.close()
        self._line = None
        self._end()
