"""Single flight: in one process by a shared Future, between processes by a lock."""

import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool, FixedClock
from kitchen import WITHIN_S, gain, gain_job, open_pantry

from jobs.call import Call
from jobs.flight import Flights

CBT_80 = Call("scoring::gain", {"treatment": "CBT", "prewt": 80})


@pytest.fixture
def flights(tmp_path: Path) -> Iterator[Flights]:
    flights = Flights(tmp_path / "flights.lock")
    yield flights
    flights.close()


class Gate:
    """A thing that is made as soon as the gate opens."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.made = 0

    def make(self) -> int:
        self.entered.set()
        assert self.opened.wait(WITHIN_S)
        self.made += 1
        return self.made


def test_all_who_ask_at_once_get_the_same_thing(flights: Flights) -> None:
    gate = Gate()
    asked = [flights.launch("key", gate.make) for _ in range(50)]
    gate.opened.set()
    assert {flight.result(WITHIN_S) for flight in asked} == {1}


def test_who_asks_later_has_it_made_anew(flights: Flights) -> None:
    gate = Gate()
    gate.opened.set()
    assert flights.launch("key", gate.make).result(WITHIN_S) == 1
    assert flights.launch("key", gate.make).result(WITHIN_S) == 2


def test_other_things_are_not_waited_for(flights: Flights) -> None:
    gate = Gate()
    waiting = flights.launch("slow", gate.make)
    assert flights.launch("quick", lambda: "done").result(WITHIN_S) == "done"
    gate.opened.set()
    waiting.result(WITHIN_S)


def test_failure_is_shared_and_then_forgotten(flights: Flights) -> None:
    gate = Gate()

    def fail() -> int:
        gate.make()
        raise ZeroDivisionError

    asked = [flights.launch("key", fail) for _ in range(3)]
    gate.opened.set()
    for flight in asked:
        with pytest.raises(ZeroDivisionError):
            flight.result(WITHIN_S)
    assert flights.launch("key", lambda: 7).result(WITHIN_S) == 7


def test_one_who_gives_up_does_not_cancel_it_for_the_others(flights: Flights) -> None:
    gate = Gate()
    asked = flights.launch("key", gate.make)
    assert not asked.cancel()
    gate.opened.set()
    assert asked.result(WITHIN_S) == 1


def test_nothing_is_made_behind_what_is_being_made(tmp_path: Path, flights: Flights) -> None:
    gate = Gate()
    live = flights.launch("key", gate.make)
    assert not flights.launch_behind("key", gate.make)
    assert gate.entered.wait(WITHIN_S)
    other = Flights(tmp_path / "flights.lock")
    assert other.launch_behind("key", gate.make)  # it starts, and finds the lock taken
    other.close()
    gate.opened.set()
    live.result(WITHIN_S)
    assert gate.made == 1


def test_live_call_waits_for_a_refresh_and_looks_again(flights: Flights) -> None:
    kept: list[str] = []
    gate = Gate()

    def refresh() -> None:
        gate.make()
        kept.append("refreshed")

    assert flights.launch_behind("key", refresh)
    assert gate.entered.wait(WITHIN_S)
    live = flights.launch("key", lambda: kept[-1])
    gate.opened.set()
    assert live.result(WITHIN_S) == "refreshed"


def test_error_that_nobody_waits_for_is_logged(
    flights: Flights, caplog: pytest.LogCaptureFixture
) -> None:
    assert flights.launch_behind("key", lambda: 1 // 0)
    flights.close()
    assert "ZeroDivisionError" in caplog.text


# Processes


def compute_slowly(state: Path, entered: Event, opened: Event, answers: Any) -> None:
    """Another process: a server with its own pantry and an R that takes its time."""

    def slow(**arguments: Any) -> Any:
        entered.set()
        assert opened.wait(WITHIN_S)
        return gain(**arguments)

    pool = FakePool(gain=slow)
    with open_pantry(state, pool, gain_job(), clock=FixedClock()) as pantry:
        made = pantry.materialise(CBT_80, gain_job())
        entry = made.entry
        assert entry is not None
        answers.put((entry.session_key, len(pool.calls)))


def test_two_misses_in_two_processes_share_one_evaluation(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    entered, opened, answers = context.Event(), context.Event(), context.Queue()
    arguments = (tmp_path, entered, opened, answers)
    first = context.Process(target=compute_slowly, args=arguments)
    second = context.Process(target=compute_slowly, args=arguments)
    first.start()
    assert entered.wait(WITHIN_S)
    second.start()
    opened.set()  # whether the second waits for the lock by now or comes later: one evaluation
    found = [answers.get(timeout=WITHIN_S) for _ in range(2)]
    for process in (first, second):
        process.join(WITHIN_S)
    assert len({session_key for session_key, _ in found}) == 1
    assert sum(calls for _, calls in found) == 1


def hold_and_die(path: Path, entered: Event, opened: Event) -> None:
    """Another process that is killed while it makes a thing."""

    def never() -> None:
        entered.set()
        opened.wait(10 * WITHIN_S)

    Flights(path).launch("key", never)
    opened.wait(10 * WITHIN_S)


def test_lock_of_a_killed_process_is_free(tmp_path: Path, flights: Flights) -> None:
    context = multiprocessing.get_context("spawn")
    entered, opened = context.Event(), context.Event()
    path = tmp_path / "flights.lock"
    other = context.Process(target=hold_and_die, args=(path, entered, opened))
    other.start()
    assert entered.wait(WITHIN_S)
    asked = flights.launch("key", lambda: "made")
    assert not asked.done()
    other.kill()
    assert asked.result(WITHIN_S) == "made"
    other.join(WITHIN_S)
