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

WARM_LIMIT_S = 5.0
"""A child that takes longer hangs."""


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
    is_taken: bool = False
    """Whether somebody has it, who will bury it."""
    warming: asyncio.Task[None] | None = None
    """Set while it warms itself; it serves nobody until that is done."""

    async def is_ready(self) -> bool:
        """Whether it can serve; waits until it is warm, unless it hangs."""
        if self.warming is not None:
            await asyncio.wait({self.warming}, timeout=WARM_LIMIT_S)
        return not self.exited.done() and (self.warming is None or self.warming.done())

    async def bury(self) -> None:
        """Ends it, with all that it started, and removes its folder."""
        # At once: what it started must not play with its files while they are being read.
        self.template.kill(self)
        await self.template.finish(self)
        self.transcript.close()
        await asyncio.to_thread(remove_tree, self.home)

    def send_descriptors(self, *descriptors: int) -> None:
        """Sends open files behind what was written, which it must be waiting for."""
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as own:
            socket.send_fds(own, [b"+"], descriptors)

    def note_exit(self, status: int) -> None:
        """Notes that it has ended; lets go of it if nobody else will."""
        if not self.exited.done():
            self.exited.set_result(status)
        if not self.is_taken:
            self.writer.close()
            self.transcript.close()
            asyncio.ensure_future(asyncio.to_thread(remove_tree, self.home))  # noqa: RUF006
