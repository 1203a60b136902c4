"""Spare children: forked ahead of need, and warmed while nobody waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from engine import wire
from engine.broker_child import Child


class Spares:
    """The idle children of a template.

    Args:
        target: how many there should be.
        quiet: whether nothing runs. Only then are they warmed: under load it would cost those who
            wait more than it saves (measurements: -15 to -30 % calls per second).
    """

    def __init__(self, target: int, quiet: Callable[[], bool]) -> None:
        self._target = target
        self._quiet = quiet
        self._idle: deque[Child] = deque()

    def __bool__(self) -> bool:
        return bool(self._idle)

    def __contains__(self, child: Child) -> bool:
        return child in self._idle

    @property
    def wanted(self) -> int:
        """How many more there should be; negative where there are too many."""
        return self._target - len(self._idle)

    def pop(self) -> Child:
        """Returns a warm child if there is one, else a cold one: it is as soon done as others."""
        child = min(self._idle, key=_readiness)
        self._idle.remove(child)
        return child

    def add(self, child: Child) -> bool:
        """Keeps a child, unless there are enough; whether it did."""
        if self.wanted <= 0:
            return False
        self._idle.append(child)
        self.warm()
        return True

    def remove(self, child: Child) -> None:
        """Forgets a child that ended."""
        self._idle.remove(child)

    def clear(self) -> None:
        """Forgets all of them: they ended."""
        self._idle.clear()

    def end(self) -> None:
        """Ends all of them, for good."""
        self._target = 0
        while self._idle:
            self._idle.pop().writer.close()

    def warm(self) -> None:
        """Has the next cold one warm itself if nothing runs; one at a time."""
        if not self._quiet() or any(c.warming and not c.warming.done() for c in self._idle):
            return
        cold = next((child for child in self._idle if child.warming is None), None)
        if cold is not None:
            cold.warming = asyncio.create_task(self._warm(cold))

    async def _warm(self, child: Child) -> None:
        """Has a child run the real call path once; if it dies of it, its exit is noticed."""
        child.writer.write(wire.pack({"warm": True}))
        await wire.read(child.reader)
        asyncio.get_running_loop().call_soon(self.warm)


def _readiness(child: Child) -> int:
    if child.warming is None:
        return 1
    return 0 if child.warming.done() else 2
