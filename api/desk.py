"""The desk: has requests worked on in threads, for clients who wait and for those who come back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.types import Receive

from api.preference import RespondAsync
from api.promise import Promise
from api.reply import Reply
from cache.call_records import CallRecords
from cache.clock import Clock
from engine.admission import Admission
from engine.asker import Asker, current_asker
from engine.asker_errors import AskerBusy
from engine.call import Priority
from engine.errand import Errand
from engine.errors import EngineBusy, EngineError
from engine.pool import Pool

log = logging.getLogger(__name__)

THREADS = 64
"""Requests that are worked on at a time while their clients wait: by fair shares of callers."""
THREADS_OF_ONE = 48
"""Of these, how many one caller may have: others find some free, however long those take."""
MOST_WAITING = 1000
"""Requests that wait for one of these threads."""
MOST_PROMISED = 256
"""Answers that may be owed to those who come back: they wait in threads of their own."""
MOST_PROMISED_TO_ONE = 100
"""Of these, how many to one caller who has a name."""
PROMISE_AGAIN_S = 5.0
"""After how long somebody to whom nothing more can be promised may ask again."""
LOOK_AGAIN_S = 0.05

T = TypeVar("T")
Finish = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Is all there is to do behind the work."""


class Desk:
    """Works on requests; one of a process, for its event loop.

    Args:
        pool: R, where calls are cancelled for which nobody waits any more.
        records: Where promises are noted.
        new_key: Gives the key of a new session.
        clock: Gives the moment.
    """

    def __init__(
        self, pool: Pool, records: CallRecords, new_key: Callable[[], str], clock: Clock
    ) -> None:
        self._pool = pool
        self._records = records
        self._new_key = new_key
        self._clock = clock
        self._turns = Admission(THREADS, THREADS, MOST_WAITING)
        self._promised: dict[asyncio.Task[Reply], tuple[Promise, Errand]] = {}
        self._promised_to: Counter[str] = Counter()

    async def answer(self, work: Callable[[], T], receive: Receive, finish: Finish = nothing) -> T:
        """Returns what `work` does in a thread, then does `finish`.

        The request's body has been received. When its client goes away, what `work` asks R in its
        own thread is cancelled. What it leaves to a flight goes on: the cache wants that.

        Raises:
            EngineBusy, AskerBusy: too many requests wait.
        """
        asker = current_asker()
        turn = self._turns.slot(
            Priority.LIVE,
            asker.name,
            most_running=THREADS_OF_ONE if asker.name else None,
            most_waiting=asker.most_waiting,
        )
        errand = Errand()
        task = asyncio.create_task(_do(work, errand, turn, finish))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await self._call_off(errand, task)
            return await task
        finally:
            gone.cancel()

    async def answer_later(
        self,
        work: Callable[[Promise], Reply],
        wanted: RespondAsync,
        address: str = "",
        finish: Finish = nothing,
        caller: str = "",
    ) -> Reply:
        """Returns what `work` does if it is soon done, or needs no call of R; else a promise of it.

        The work goes on behind that. `address` is where the answer will be, `caller` who asks.

        Raises:
            EngineBusy, AskerBusy: too much is promised already.
        """
        asker = current_asker()
        try:
            self._check_promised(asker)
        except EngineError:
            await finish()
            raise
        loop = asyncio.get_running_loop()
        given = loop.create_future()
        promise = Promise(
            key=self._new_key(),
            records=self._records,
            clock=self._clock,
            given=lambda: _tell(loop, given),
            address=address,
            caller=caller,
        )
        errand = Errand()
        at_once = contextlib.nullcontext()  # their number is bounded above
        task = asyncio.create_task(_do(partial(work, promise), errand, at_once, finish))
        self._promised[task] = (promise, errand)
        self._promised_to[asker.name] += 1
        task.add_done_callback(lambda _: self._promised_to.subtract([asker.name]))
        task.add_done_callback(self._landed)
        await asyncio.wait({task, given}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and wanted.wait_s:
            await asyncio.wait({task}, timeout=wanted.wait_s)
        return await task if task.done() else promise.reply()

    async def close(self) -> None:
        """Breaks off what was promised: the server stops. What the cache wants is still made."""
        for task, (promise, errand) in list(self._promised.items()):
            if errand.under_way():
                await asyncio.to_thread(promise.break_off)
                await self._call_off(errand, task)

    async def _call_off(self, errand: Errand, task: asyncio.Task[T]) -> None:
        """Cancels what R is asked on an errand, until there is nothing more of that."""
        errand.call_off()
        while not task.done() and (keys := errand.under_way()):
            for key in keys:
                # It may be on its way to the engine still: then the next round finds it there.
                with contextlib.suppress(EngineError):
                    await asyncio.to_thread(self._pool.cancel, key)
            await asyncio.wait({task}, timeout=LOOK_AGAIN_S)

    def _check_promised(self, asker: Asker) -> None:
        to_them = self._promised_to[asker.name]
        if asker.name and to_them >= MOST_PROMISED_TO_ONE:
            raise AskerBusy(to_them, asker.name, PROMISE_AGAIN_S)
        if len(self._promised) >= MOST_PROMISED:
            raise EngineBusy(len(self._promised), PROMISE_AGAIN_S)

    def _landed(self, task: asyncio.Task[Reply]) -> None:
        promise, _ = self._promised.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("promise not kept key=%s", promise.key, exc_info=error)


async def _do(
    work: Callable[[], T],
    errand: Errand,
    turn: AbstractAsyncContextManager[None],
    finish: Finish,
) -> T:
    def on_errand() -> T:
        with errand.begun():
            return work()

    try:
        async with turn:
            limiter = anyio.CapacityLimiter(1)  # whoever has its turn has a thread
            return await anyio.to_thread.run_sync(on_errand, limiter=limiter)
    finally:
        await finish()


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _tell(loop: asyncio.AbstractEventLoop, given: asyncio.Future[None]) -> None:
    def tell() -> None:
        if not given.done():
            given.set_result(None)

    loop.call_soon_threadsafe(tell)
