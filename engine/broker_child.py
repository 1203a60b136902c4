"""The broker's side of one forked child."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.left_files import remove_tree
from engine.transcript import TranscriptReader

if TYPE_CHECKING:
    from engine.chain import Parked
    from engine.template import Template


@dataclass
class Child:
    """A forked child: idle until a request is written to its socket."""

    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    exited: asyncio.Future[int]
    """Its wait status, once it has ended."""
    template: Template
    user: int
    """The user that it is where each has one of its own."""
    home: Path
    """The folder that it may write to."""
    transcript: TranscriptReader
    """What its call printed and said so far."""
    step_of: Parked | None = None
    """The live session that it was forked from, if it was."""
    warming: asyncio.Task[None] | None = None
    """Set while it warms itself; it serves nobody until that is done."""

    async def is_warm(self) -> None:
        """Returns once it can serve; whoever waits may be cancelled, the warming goes on."""
        if self.warming is not None:
            await asyncio.shield(self.warming)

    def send_descriptors(self, *descriptors: int) -> None:
        """Sends open files behind what was written, which it must be waiting for."""
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as own:
            socket.send_fds(own, [b"+"], descriptors)

    def clear_away(self) -> None:
        """Lets go of it where it died while idle: nobody else would."""
        self.writer.close()
        asyncio.ensure_future(asyncio.to_thread(remove_tree, self.home))  # noqa: RUF006
