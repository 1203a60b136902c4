"""Live sessions: children that stay after their call, to be forked for the next of the chain.

A live session is a cache and nothing else: its files are complete, it may go at any time, and a
call's answer is the same without it. Only the owner whose call made it is served from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import wire
from engine.broker_child import Child
from engine.chain import Chain, LiveLimits, Parked
from engine.errors import WorkerDied
from engine.memory import grown_bytes, pss_bytes
from engine.processes import is_alone
from engine.template import Template
from engine.transcript import shared_memory

DEEPEST = 12
"""Steps that are forked from each other: each adds a layer of Landlock, and 16 is the most."""
SWEEP_S = 1.0
CREDENTIALS = struct.Struct("=iII")


class Live:
    """The live sessions of a broker."""

    def __init__(self, limits: LiveLimits, *, own_user: bool) -> None:
        self._limits = limits
        self._own_user = own_user
        self._chains: list[Chain] = []
        self._parking: dict[str, asyncio.Task[None]] = {}
        self.served = 0
        """Calls that were forked from a live session."""

    @property
    def is_on(self) -> bool:
        """Whether sessions stay at all."""
        return self._limits.idle_s > 0 and self._limits.most > 0

    def facts(self) -> list[dict[str, Any]]:
        """Returns in plain values which sessions are live."""
        return [
            {
                "key": parked.key,
                "pid": parked.child.pid,
                "template": parked.child.template.name,
                "pss_bytes": pss_bytes(parked.child.pid),
                "since": parked.since,
            }
            for chain in self._chains
            for parked in chain.sessions.values()
        ]

    async def find(
        self, keys: set[str], owner: str, template: Template, limits: dict[str, Any]
    ) -> Parked | None:
        """Returns the live session that a call which names these can be forked from."""
        for key in keys & self._parking.keys():
            await asyncio.shield(self._parking[key])
        for chain in self._chains:
            if (chain.owner, chain.root.template, chain.limits) != (owner, template, limits):
                continue
            for key in keys & chain.sessions.keys():
                parked = chain.sessions[key]
                if parked.depth < DEEPEST and keys <= {key, *parked.readable}:
                    return parked
        return None

    async def step(self, parked: Parked) -> Child:
        """Returns a fork of a live session, for one call.

        Raises:
            WorkerDied: there is none to be had.
        """
        chain = parked.chain
        chain.used = time.monotonic()
        chain.running += 1
        chain.is_quiet.clear()
        chain.steps += 1
        home = parked.child.home / str(chain.steps)  # nowhere else may it write
        try:
            home.mkdir(mode=0o700)
            if self._own_user:
                os.chown(home, chain.root.user, chain.root.user)
            with chain.root.template.claimed():
                child = await self._fork(parked, home)
        except (OSError, WorkerDied, asyncio.CancelledError) as error:
            # Whatever is left of the attempt ends with the chain.
            self._leave(chain)
            if chain in self._chains:
                self._end(chain)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise WorkerDied(f"the live session cannot be forked: {error}") from None
        self.served += 1
        child.step_of = parked
        return child

    async def _fork(self, parked: Parked, home: Path) -> Child:
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.callback(ours.close)
            ours.setblocking(False)  # noqa: FBT003  # the socket module's own signature
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            transcript = shared_memory()
            stack.callback(os.close, transcript)
            with theirs:
                parked.child.writer.write(wire.pack({"step": str(home)}))
                parked.child.send_descriptors(theirs.fileno(), transcript)
            pid = await asyncio.wait_for(_hello(ours), wire.HANDOVER_S)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
            stack.pop_all()
        child = await parked.child.template.adopt(pid, ours, parked.child, home, transcript)
        if parked.chain not in self._chains:  # it ended, and with it what was forked until then
            asyncio.create_task(child.bury())  # noqa: RUF006  # ends by itself
            raise WorkerDied("it ended meanwhile")
        return child

    def park(
        self, key: str, child: Child, owner: str, limits: dict[str, Any], named: set[str]
    ) -> None:
        """Keeps a child that has made the session `key`, or ends it if that cannot be.

        Nobody waits for it, but a call that names the session. `named` are the other sessions that
        its call could read.
        """
        before = child.step_of
        if before is None:
            parked = Parked(key, child, Chain(child, owner, limits), 0, frozenset(named))
        else:
            readable = frozenset(named & before.readable)
            parked = Parked(key, child, before.chain, before.depth + 1, readable)
        task = asyncio.create_task(self._park(parked))
        self._parking[key] = task
        task.add_done_callback(lambda _: self._parking.pop(key, None))

    async def _park(self, parked: Parked) -> None:
        child, chain = parked.child, parked.chain
        # Not here: what the kernel has to tell takes as long as a small call.
        can_stay = await asyncio.to_thread(is_alone, child.pid, child.template.pid, parked.key)
        parked = replace(parked, grown_bytes=grown_bytes(child.pid, child.template.pid))
        is_first = child is chain.root
        can_stay = can_stay and not child.exited.done() and not child.template.is_replaced
        if can_stay and (is_first or chain in self._chains):
            if is_first:
                self._chains.append(chain)
            chain.sessions[parked.key] = parked
            chain.used = time.monotonic()
            self._shrink()
            self.drop(child)
        else:
            self.drop(child)
            await child.bury()

    def drop(self, child: Child) -> None:
        """Notes that a step has served its call; nothing happens if the child is none."""
        if child.step_of is not None:
            self._leave(child.step_of.chain)

    def forget(self, template: Template) -> None:
        """Ends the sessions that were made with a template: no new call gets it."""
        for chain in [chain for chain in self._chains if chain.root.template is template]:
            self._end(chain)

    async def watch(self) -> None:
        """Sweeps every second, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep()

    def sweep(self) -> None:
        """Ends chains that were not used for long, or whose children ended, or take too much."""
        before = time.monotonic() - self._limits.idle_s
        for chain in list(self._chains):
            died = any(parked.child.exited.done() for parked in chain.sessions.values())
            if died or (chain.used < before and not chain.running):
                self._end(chain)
        self._shrink()

    def end_all(self) -> None:
        """Ends all of them."""
        for chain in list(self._chains):
            self._end(chain)

    def _shrink(self) -> None:
        """Ends the chains that were used least recently, until the others are within the limits."""
        room, places = self._limits.memory_bytes, self._limits.most
        for chain in sorted(self._chains, key=lambda chain: chain.used, reverse=True):
            room -= sum(parked.grown_bytes for parked in chain.sessions.values())
            places -= len(chain.sessions)
            if room < 0 or places < 0:
                self._end(chain)

    def _leave(self, chain: Chain) -> None:
        chain.running -= 1
        if not chain.running:
            chain.is_quiet.set()

    def _end(self, chain: Chain) -> None:
        self._chains.remove(chain)
        for parked in chain.sessions.values():
            parked.child.template.kill(parked.child)
        asyncio.create_task(_bury(chain))  # noqa: RUF006  # ends by itself


async def _bury(chain: Chain) -> None:
    # The steps that still run have their folders in that of the first.
    await chain.is_quiet.wait()
    for parked in reversed(chain.sessions.values()):
        await parked.child.bury()


async def _hello(connection: socket.socket) -> int:
    """Returns the process id of whoever speaks on the connection, as the kernel tells it.

    Raises:
        WorkerDied: nobody does.
    """
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _set, readable)
    try:
        await readable
    finally:
        loop.remove_reader(connection)
    said, facts, _, _ = connection.recvmsg(len(wire.HELLO), socket.CMSG_SPACE(CREDENTIALS.size))
    if said != wire.HELLO or not facts:
        raise WorkerDied("it ended")
    pid, _, _ = CREDENTIALS.unpack(facts[0][2][: CREDENTIALS.size])
    return int(pid)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
