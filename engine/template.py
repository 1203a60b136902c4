"""The broker's side of one forking parent: starts it, asks it for children, hears of exits."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.broker_child import Child
from engine.children import Children
from engine.control import Control
from engine.errors import ParentEnded, TemplateFailed, WorkerDied
from engine.homes import home_of
from engine.launch import first_word, launch_base
from engine.privileges import user_of
from engine.spares import Spares
from engine.transcript import TranscriptReader

CLAIMS_CHECK_S = 0.1


class Template:
    """One forking parent and its idle children.

    Args:
        name: what it has loaded, for the log.
        work: the folder of the children's own folders.
        spares: idle children to keep.
        quiet: whether nothing runs. Only then are spares warmed: under load it would cost those
            who wait more than it saves (measurements: -15 to -30 % calls per second).
    """

    def __init__(self, name: str, work: Path, spares: int, quiet: Callable[[], bool]) -> None:
        self.name = name
        self._work = work
        self._control: Control | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.idle = Spares(spares, quiet)
        self._children = Children(work)
        self._steps: dict[int, tuple[Child, asyncio.Future[bool]]] = {}
        self._asked = 0
        self._born: dict[int, int | None] = {}
        """Children heard of and not known yet, with their wait status once ended."""
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._waiting_for_network: deque[asyncio.Future[Child]] = deque()
        self.info: dict[str, Any] = {}
        self.pid = 0
        self.is_replaced = False
        self._claims = 0
        self._grown: list[Template] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cleared: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start_base(self, config: dict[str, Any]) -> None:
        """Starts a parent that has R, and waits until it is warm.

        Args:
            config: what `engine.parent` needs, but for the descriptor of its control socket.

        Raises:
            TemplateFailed: R could not be started; the message is R's.
            ParentEnded: it ended meanwhile.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = await asyncio.to_thread(launch_base, config, theirs)
        theirs.close()
        await self._get_ready(ours)

    async def start_from(self, base: Template, wanted: dict[str, Any]) -> None:
        """Has another parent fork this one, and waits until it has loaded what is wanted.

        Raises:
            TemplateFailed: that could not be loaded; the message is R's.
            ParentEnded: it, or the other, ended meanwhile.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        base._say({"do": "grow", "load": wanted}, theirs.fileno())  # its like
        theirs.close()
        with base.claimed():
            await self._get_ready(ours)
            base._grown.append(self)

    async def _get_ready(self, control: socket.socket) -> None:
        try:
            self.info = await first_word(control)
        except (TemplateFailed, ParentEnded):
            self.ended.set_result(None)
            await self._wait_for_process()
            raise
        self.pid = int(self.info["pid"])
        self._control = Control(control, self._hear, self._end)
        self._refill()

    async def take(self, *, network: bool = False) -> Child:
        """Returns a child for one caller; it has to be given back to `finish`.

        Idle ones have no network, and never will: one that may have it is forked for the call.
        """
        with self.claimed():
            while self.idle and not network:
                child = self.idle.pop()
                if not self.idle:
                    self._refill()
                try:
                    is_ready = await child.is_ready()
                except asyncio.CancelledError:
                    self._keep(child)
                    raise
                if is_ready:
                    child.is_taken = True
                    return child
                self.kill(child)
            return await self._fork(network=network)

    def prepare(self) -> None:
        """Forks spare children that are wanting, and warms them: there is little else to do."""
        self._refill()
        self.idle.warm()

    async def _fork(self, *, network: bool) -> Child:
        if self.ended.done():
            raise ParentEnded
        future: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        if network:
            self._waiting_for_network.append(future)
            self._say({"do": "fork", "network": True})
        else:
            self._waiting.append(future)
            self._refill()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._keep(future.result(), network=network)
            raise

    def kill(self, child: Child) -> None:
        """Ends a child and everything it started, at once."""
        if not child.exited.done():
            self._say({"do": "kill", "pid": child.pid})

    async def finish(self, child: Child) -> int:
        """Ends a child that has answered; returns its wait status."""
        child.writer.close()
        try:
            return await asyncio.wait_for(asyncio.shield(child.exited), timeout=2)
        except TimeoutError:
            self.kill(child)
            return await child.exited

    async def adopt(
        self, pid: int, connection: socket.socket, of: Child, home: Path, transcript: int
    ) -> Child:
        """Returns the child that one `of` the children forked for a step of its chain.

        Raises:
            WorkerDied: it is not there any more.
        """
        reader, writer = await asyncio.open_connection(sock=connection)
        loop = asyncio.get_running_loop()
        told = TranscriptReader(transcript)
        child = Child(pid, reader, writer, loop.create_future(), self, of.user, home, told)
        known: asyncio.Future[bool] = loop.create_future()
        self._steps[pid] = (child, known)
        self._say({"do": "adopt", "pid": pid})
        if self.ended.done() or not await known:
            writer.close()
            raise WorkerDied("it ended")
        return child

    async def stop(self) -> None:
        """Ends the parent and its children; returns when nothing of them is left."""
        if self._control is not None:
            self._control.hang_up()
            await self._cleared

    async def _wait_for_process(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    def end_idle(self) -> None:
        """Keeps no more spares: the template is being replaced."""
        self.is_replaced = True
        self.idle.end()

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keeps the parent from being ended while somebody is about to get a child."""
        self._claims += 1
        try:
            yield
        finally:
            self._claims -= 1

    async def is_left(self) -> None:
        """Returns when no child serves a call any more, or is going to.

        Nor any of the templates that were forked from this one: they would end with it.
        """
        while not self.ended.done():
            busy = any(child not in self.idle for child in self._children)
            grown = any(not one.ended.done() for one in self._grown)
            if not busy and not grown and not self._claims:
                return
            await asyncio.wait([self.ended], timeout=CLAIMS_CHECK_S)

    def _refill(self) -> None:
        wanted = self.idle.wanted + len(self._waiting) - self._asked
        for _ in range(max(0, wanted)):
            self._asked += 1
            self._say({"do": "fork", "network": False})

    def _say(self, command: dict[str, Any], *descriptors: int) -> None:
        if self._control is not None:
            self._control.say(command, *descriptors)

    def _hear(self, event: dict[str, Any], descriptors: list[int]) -> None:
        if event["event"] == "forked":
            self._born[event["pid"]] = None
            adopted = self._adopt(event["pid"], *descriptors, network=event["network"])
            asyncio.ensure_future(adopted)  # noqa: RUF006
        elif event["event"] in {"adopted", "unknown"}:
            self._welcome(event["pid"], is_ours=event["event"] == "adopted")
        elif event["event"] == "exit":
            self._note_exit(event["pid"], event["status"])

    def _welcome(self, pid: int, *, is_ours: bool) -> None:
        child, known = self._steps.pop(pid)
        if is_ours:
            self._children.add(child)
        if not known.done():
            known.set_result(is_ours)

    def _note_exit(self, pid: int, status: int) -> None:
        if pid in self._born:
            self._born[pid] = status
            return
        child = self._children.remove(pid)
        if child is not None:
            if child in self.idle:
                self.idle.remove(child)
            child.note_exit(status)
            self._refill()

    async def _adopt(self, pid: int, descriptor: int, transcript: int, *, network: bool) -> None:
        connection = socket.socket(fileno=descriptor)
        connection.setblocking(False)  # noqa: FBT003  # the socket module's own signature
        reader, writer = await asyncio.open_connection(sock=connection)
        exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        home, told = home_of(self._work, self.pid, pid), TranscriptReader(transcript)
        child = Child(pid, reader, writer, exited, self, user_of(pid), home, told)
        self._asked -= not network
        waiting = self._waiting_for_network if network else self._waiting
        status = self._born.pop(pid) if not self.ended.done() else signal.SIGKILL
        if status is not None:  # it has ended already: another one has to be forked
            child.note_exit(status)
            if network and waiting:
                self._say({"do": "fork", "network": True})
            self._refill()
            return
        self._children.add(child)
        while waiting:
            future = waiting.popleft()
            if not future.done():
                child.is_taken = True
                future.set_result(child)
                return
        self._keep(child, network=network)

    def _keep(self, child: Child, *, network: bool = False) -> None:
        """Puts a child aside that nobody waits for."""
        child.is_taken = False
        if child.exited.done():  # while somebody had it, who would have removed its folder
            child.note_exit(child.exited.result())
            return
        if network or not self.idle.add(child):
            child.writer.close()

    def _end(self) -> None:
        """The parent died: nobody gets a child of it any more."""
        for _, known in self._steps.values():
            if not known.done():
                known.set_result(False)
        for future in (*self._waiting, *self._waiting_for_network):
            if not future.done():
                future.set_exception(WorkerDied("the forking parent ended"))
        self.idle.clear()
        self.ended.set_result(None)
        asyncio.ensure_future(self._clear_away())  # noqa: RUF006  # ends by itself

    async def _clear_away(self) -> None:
        await self._wait_for_process()
        await self._children.clear_away(self.pid)
        self._cleared.set_result(None)
