"""Who may run now: never more calls than slots, live ones first, scheduled ones never all slots."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.call import Priority
from engine.errors import EngineBusy


class Admission:
    """A queue before a fixed number of slots.

    Args:
        slots: calls that may run at the same time.
        background_slots: of these, the most that scheduled work and refreshes may hold, so that
            somebody who waits always finds one.
        queue_limit: waiting calls beyond which new ones are refused.
    """

    def __init__(self, slots: int, background_slots: int, queue_limit: int = 1000) -> None:
        self._slots = slots
        self._background_slots = background_slots
        self._queue_limit = queue_limit
        self._running = 0
        self._running_background = 0
        self._order = itertools.count()
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def running(self) -> int:
        """Calls that run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        return sum(not future.done() for _, _, future in self._queue)

    @asynccontextmanager
    async def slot(self, priority: Priority) -> AsyncIterator[None]:
        """Waits for a slot and holds it.

        Raises:
            EngineBusy: the queue is full.
        """
        background = priority is not Priority.LIVE
        if not self._free(background=background) or self.waiting:
            await self._wait(priority)
        else:
            self._enter(background=background)
        try:
            yield
        finally:
            self._running -= 1
            self._running_background -= background
            self._admit()

    async def _wait(self, priority: Priority) -> None:
        if self.waiting >= self._queue_limit:
            raise EngineBusy(self.waiting)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (int(priority), next(self._order), future))
        self._admit()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._running -= 1
                self._running_background -= priority is not Priority.LIVE
                self._admit()
            raise

    def _admit(self) -> None:
        """Lets in whoever may run now; background work that may not is passed over."""
        passed: list[tuple[int, int, asyncio.Future[None]]] = []
        while self._queue and self._running < self._slots:
            item = heapq.heappop(self._queue)
            priority, _, future = item
            background = priority != Priority.LIVE
            if future.done():
                continue
            if not self._free(background=background):
                passed.append(item)
                continue
            self._enter(background=background)
            future.set_result(None)
        for item in passed:
            heapq.heappush(self._queue, item)

    def _free(self, *, background: bool) -> bool:
        if background and self._running_background >= self._background_slots:
            return False
        return self._running < self._slots

    def _enter(self, *, background: bool) -> None:
        self._running += 1
        self._running_background += background
