"""Admission to the engine: who may run when there are fewer slots than calls."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.admission import Admission
from engine.asker_errors import AskerBusy
from engine.call import Priority
from engine.errors import EngineBusy

LIVE, SCHEDULED = Priority.LIVE, Priority.SCHEDULED


class Calls:
    """Calls that hold their slot until they are told to end."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.started: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, priority: Priority) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, priority))
        await self.settle()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.settle()

    async def end_all(self) -> None:
        for event in self._ends.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _run(self, name: str, priority: Priority) -> None:
        async with self._admission.slot(priority):
            self.started.append(name)
            await self._ends[name].wait()


def play(
    scene: Callable[[Calls, Admission], Awaitable[None]], slots: int = 2, background: int = 1
) -> None:
    async def run() -> None:
        admission = Admission(slots, background, queue_limit=3)
        calls = Calls(admission)
        await scene(calls, admission)
        await calls.end_all()
        assert (admission.running, admission.waiting) == (0, 0)

    asyncio.run(run())


def test_live_calls_pass_those_of_the_schedule() -> None:
    async def scene(calls: Calls, _: Admission) -> None:
        await calls.begin("first", LIVE)
        await calls.begin("second", LIVE)
        await calls.begin("cell", SCHEDULED)
        await calls.begin("third", LIVE)
        await calls.end("first")
        assert calls.started == ["first", "second", "third"]
        await calls.end("second")
        assert calls.started[-1] == "cell"

    play(scene)


def test_schedule_never_takes_all_slots() -> None:
    async def scene(calls: Calls, _: Admission) -> None:
        await calls.begin("cell", SCHEDULED)
        await calls.begin("next cell", SCHEDULED)
        assert calls.started == ["cell"]
        await calls.begin("live", LIVE)
        assert calls.started == ["cell", "live"]
        await calls.end("cell")
        assert calls.started[-1] == "next cell"

    play(scene)


def test_caller_that_gives_up_while_waiting_leaves_the_queue() -> None:
    async def scene(calls: Calls, admission: Admission) -> None:
        await calls.begin("first", LIVE)
        await calls.begin("second", LIVE)
        await calls.begin("gone", LIVE)
        calls.tasks["gone"].cancel()
        await calls.settle()
        assert admission.waiting == 0
        await calls.end("first")
        assert admission.running == 1

    play(scene)


def test_full_queue_refuses() -> None:
    async def scene(calls: Calls, _: Admission) -> None:
        for name in ("one", "two", "three", "four", "five", "six"):
            await calls.begin(name, LIVE)
        with pytest.raises(EngineBusy, match="3 calls are waiting"):
            await calls.tasks["six"]

    play(scene)


def test_single_slot_still_takes_scheduled_work() -> None:
    async def scene(calls: Calls, _: Admission) -> None:
        await calls.begin("cell", SCHEDULED)
        assert calls.started == ["cell"]

    play(scene, slots=1, background=1)


async def enter(admission: Admission, owner: str, **bounds: int) -> None:
    async with admission.slot(LIVE, owner, **bounds):
        await asyncio.sleep(3600)


async def begun(admission: Admission, *owners: str, **bounds: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(enter(admission, owner, **bounds)) for owner in owners]
    await asyncio.sleep(0)
    return tasks


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_next_turn_is_of_who_has_the_fewest_running() -> None:
    async def run() -> None:
        admission = Admission(2, 1)
        flood = await begun(admission, *["flooder"] * 100)
        (single,) = await begun(admission, "single")
        assert (admission.running, admission.waiting) == (2, 99)
        await ended(flood[:1])
        assert (admission.running, admission.waiting) == (2, 98)
        await ended([single])
        assert admission.waiting == 97  # it ran: the slot that it left went to the flooder
        await ended(flood)

    asyncio.run(run())


def test_bound_owner_waits_though_slots_are_free_and_holds_nobody_up() -> None:
    async def run() -> None:
        admission = Admission(4, 1, queue_limit=3)
        bound = await begun(admission, *["bound"] * 4, most_running=1)
        assert (admission.running, admission.waiting) == (1, 3)
        other = await begun(admission, "other", "other")
        assert (admission.running, admission.waiting) == (3, 3)
        await ended(bound[:1])
        assert (admission.running, admission.waiting) == (3, 2)
        await ended(bound + other)

    asyncio.run(run())


def test_owner_for_whom_enough_wait_is_told_how_long_that_takes() -> None:
    now = 0.0

    async def run() -> None:
        nonlocal now
        admission = Admission(2, 1, clock=lambda: now)
        calls = await begun(admission, *["busy"] * 6, most_waiting=4)
        now = 30.0  # two have run for as long as that
        with pytest.raises(AskerBusy, match="4 calls with this key are waiting") as refused:
            await admission.slot(LIVE, "busy", most_waiting=4).__aenter__()
        assert refused.value.retry_after_s == pytest.approx(75)  # five calls, two at a time
        other = await begun(admission, "other", most_waiting=4)
        assert admission.waiting == 5
        await ended(calls + other)

    asyncio.run(run())


def test_slot_that_comes_free_as_a_waiting_call_is_cancelled_is_not_lost() -> None:
    async def run() -> None:
        admission = Admission(1, 1)
        first, gone, next_one = await begun(admission, "a", "a", "a")
        first.cancel()
        gone.cancel()  # and the slot is given before it knows
        await asyncio.gather(first, gone, return_exceptions=True)
        assert (admission.running, admission.waiting) == (1, 0)
        await ended([next_one])
        assert admission.running == 0

    asyncio.run(run())
