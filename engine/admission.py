"""Who may run now: never more calls than slots, live ones first, then by fair shares."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.asker_errors import AskerBusy
from engine.call import Priority
from engine.errors import EngineBusy

UNKNOWN_S = 1.0
"""What a call is taken to last before any has ended."""
WEIGHT = 0.1
"""Of the call that ended last, in how long calls last."""


@dataclass(frozen=True)
class Waiting:
    """A call that waits for a slot; `admitted` is done when it has one."""

    priority: Priority
    owner: str
    most_running: int | None
    number: int
    admitted: asyncio.Future[None]

    @property
    def is_background(self) -> bool:
        """Whether nobody waits for the answer."""
        return self.priority is not Priority.LIVE


class Admission:
    """A queue before a fixed number of slots.

    Among calls of the same priority the next is one of the owner who has the fewest running, and
    among such owners of the one whose last turn is longest ago. So somebody who sends a thousand
    calls at once delays others by no more than one who sends two.

    An owner may be bound: then as many of their calls run as they may have, however many slots are
    free, and the others wait.

    Args:
        slots: calls that may run at the same time.
        background_slots: of these, the most that scheduled work and refreshes may hold, so that
            somebody who waits always finds one.
        queue_limit: waiting calls beyond which new ones are refused.
        on_quiet: told each time that the last call which ran has ended.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        slots: int,
        background_slots: int,
        queue_limit: int = 1000,
        on_quiet: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._background_slots = background_slots
        self._queue_limit = queue_limit
        self._on_quiet = on_quiet
        self._clock = clock
        self._lasted_s = UNKNOWN_S
        self._entered: dict[int, float] = {}
        self._running: Counter[str] = Counter()
        self._running_background = 0
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}
        self._queues: dict[tuple[Priority, str], deque[Waiting]] = {}

    @property
    def running(self) -> int:
        """Calls that run now."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def slot(
        self,
        priority: Priority,
        owner: str = "",
        *,
        most_running: int | None = None,
        most_waiting: int | None = None,
    ) -> AsyncIterator[None]:
        """Waits for a slot and holds it.

        Raises:
            EngineBusy: the queue is full.
            AskerBusy: as many calls of the owner wait as may.
        """
        call = Waiting(priority, owner, most_running, next(self._turns), asyncio.Future())
        if self._free(call):  # none that waits is: it would have been let in
            self._enter(call)
        else:
            self._refuse(call, most_waiting)
            await self._wait(call)
        try:
            yield
        finally:
            self._leave(call)

    def _refuse(self, call: Waiting, most_waiting: int | None) -> None:
        """Lets no call wait for whom too many do."""
        if most_waiting is not None:
            waiting = sum(
                len(queue) for (_, owner), queue in self._queues.items() if owner == call.owner
            )
            if waiting >= most_waiting:
                at_a_time = min(self._slots, call.most_running or self._slots)
                raise AskerBusy(waiting, call.owner, self._turn_in_s(waiting, at_a_time))
        if self.waiting >= self._queue_limit:
            raise EngineBusy(self.waiting, self._turn_in_s(self.waiting, self._slots))

    def _turn_in_s(self, ahead: int, at_a_time: int) -> float:
        """How long so many calls take, as calls lasted lately; those that run count by their age.

        Without that, a queue behind calls of an hour would promise what the quick ones before them
        took.
        """
        now = self._clock()
        ages = [now - entered for entered in self._entered.values()]
        lasting_s = max(self._lasted_s, sum(ages) / len(ages) if ages else 0.0)
        return (ahead + 1) * lasting_s / at_a_time

    async def _wait(self, call: Waiting) -> None:
        self._queues.setdefault((call.priority, call.owner), deque()).append(call)
        try:
            await call.admitted
        except asyncio.CancelledError:
            if call.admitted.cancelled():
                self._remove(call)
            else:
                self._leave(call)
            raise

    def _admit(self) -> None:
        """Lets in whoever may run now; background work that may not is passed over."""
        while (call := min(self._next_ones(), key=self._rank, default=None)) is not None:
            self._remove(call)
            self._enter(call)
            call.admitted.set_result(None)

    def _next_ones(self) -> Iterator[Waiting]:
        # One that was cancelled takes itself out when its task goes on: that may not have been yet.
        waiting = (
            next((call for call in queue if not call.admitted.cancelled()), None)
            for queue in self._queues.values()
        )
        return (call for call in waiting if call is not None and self._free(call))

    def _rank(self, call: Waiting) -> tuple[int, int, int, int]:
        owner = call.owner
        last_turn = self._last_turn.get(owner, 0)
        return (int(call.priority), self._running[owner], last_turn, call.number)

    def _free(self, call: Waiting) -> bool:
        if call.is_background and self._running_background >= self._background_slots:
            return False
        if call.most_running is not None and self._running[call.owner] >= call.most_running:
            return False
        return self.running < self._slots

    def _enter(self, call: Waiting) -> None:
        self._running[call.owner] += 1
        self._running_background += call.is_background
        self._last_turn[call.owner] = next(self._turns)
        self._entered[call.number] = self._clock()

    def _leave(self, call: Waiting) -> None:
        self._running[call.owner] -= 1
        self._running_background -= call.is_background
        lasted_s = self._clock() - self._entered.pop(call.number)
        self._lasted_s += WEIGHT * (lasted_s - self._lasted_s)
        self._admit()
        self._forget_idle()
        if not self.running:
            self._on_quiet()

    def _remove(self, call: Waiting) -> None:
        key = (call.priority, call.owner)
        self._queues[key].remove(call)
        if not self._queues[key]:
            del self._queues[key]

    def _forget_idle(self) -> None:
        """Owners who neither run nor wait have had their turn: all of them are alike again."""
        if not self._queues:
            self._running = +self._running
            self._last_turn = {owner: self._last_turn[owner] for owner in self._running}
