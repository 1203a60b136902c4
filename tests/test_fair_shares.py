"""Fair shares: one caller's many calls do not keep out another's only one."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from engines import Engine
from kitchen import WITHIN_S
from serving import wait_until

from engine.asker import Asker, asked_by, current_asker
from engine.asker_errors import AllowanceSpent, AskerBusy
from jobs.flight import Flights, landed


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("shares"), None, max_running=1)
    yield engine
    engine.close()


class Flood:
    """Calls of one caller, all at once, each as long as it takes to see another run."""

    def __init__(self, engine: Engine, asker: Asker, calls: int) -> None:
        self.threads = ThreadPoolExecutor(calls)
        self.calls = [self.threads.submit(call, engine, asker, seconds=0.2) for _ in range(calls)]

    @property
    def answered(self) -> int:
        return sum(call.done() for call in self.calls)

    def errors(self) -> list[BaseException]:
        return [error for call in self.calls if (error := call.exception(60)) is not None]

    def stop(self, engine: Engine) -> None:
        for facts in engine.pool.under_way():
            engine.pool.cancel(facts["key"])
        self.threads.shutdown()


def call(engine: Engine, asker: Asker, seconds: float = 0.0) -> bool:
    return engine.call("Sys.sleep", package="base", asker=asker, time=str(seconds)).ok


def waiting(engine: Engine) -> int:
    return int(engine.pool.info()["waiting"])


@pytest.mark.r
def test_single_call_comes_after_one_of_a_flood(engine: Engine) -> None:
    flood = Flood(engine, Asker("flooder"), 60)
    try:
        wait_until(lambda: waiting(engine) >= 50)
        before = flood.answered
        assert call(engine, Asker("single"))
        assert flood.answered - before <= 3  # one that ran, and what was answered while we looked
    finally:
        flood.stop(engine)


@pytest.mark.r
def test_calls_beyond_what_may_wait_are_refused_to_their_caller_alone(engine: Engine) -> None:
    flood = Flood(engine, Asker("stuffer", most_waiting=3), 12)
    try:
        wait_until(lambda: flood.answered >= 8)
        assert waiting(engine) <= 3
        assert call(engine, Asker("other", most_waiting=3))
    finally:
        refused = [error for error in flood.errors() if isinstance(error, AskerBusy)]
        flood.stop(engine)
    assert len(refused) >= 8
    assert all(error.retry_after_s > 0 for error in refused)


@pytest.mark.r
def test_time_of_r_is_counted_for_who_had_it_and_told_once(engine: Engine) -> None:
    engine.pool.taken()
    assert call(engine, Asker("ann"), seconds=0.3)
    assert call(engine, Asker("bob"), seconds=0.1)
    assert call(engine, Asker(""), seconds=0.1)
    taken = engine.pool.taken()
    assert set(taken) == {"ann", "bob"}
    assert 0.3 <= taken["ann"] < 20
    assert engine.pool.taken() == {}


@pytest.mark.r
def test_reads_of_objects_are_their_callers_too(engine: Engine) -> None:
    engine.pool.taken()
    with asked_by(Asker("reader")):
        engine.pool.contract("base", "nchar")
    assert set(engine.pool.taken()) == {"reader"}


class Spent:
    """All of it was had."""

    def check(self) -> None:
        raise AllowanceSpent(10, "spender", 3600)


@pytest.mark.r
def test_who_had_their_time_of_r_is_refused_before_the_engine_is_asked(engine: Engine) -> None:
    calls = engine.pool.info()["calls"]
    with pytest.raises(AllowanceSpent, match="10 seconds of R"):
        call(engine, Asker("spender", allowance=Spent()))
    assert engine.pool.info()["calls"] == calls


@pytest.fixture
def flights(tmp_path: Path) -> Iterator[Flights]:
    flights = Flights(tmp_path / "flights.lock")
    yield flights
    flights.close()


def test_flight_asks_on_behalf_of_who_began_it(flights: Flights) -> None:
    with asked_by(Asker("first")):
        flight = flights.launch("key", lambda: current_asker().name)
    assert flight.result(WITHIN_S) == "first"


def test_refusal_of_who_began_a_flight_is_not_that_of_who_joined_it(flights: Flights) -> None:
    opened = threading.Event()

    def make() -> str:
        name = current_asker().name
        if name == "spender":
            assert opened.wait(WITHIN_S)
            raise AllowanceSpent(10, name, 3600)
        return f"made for {name}"

    def ask(name: str) -> str:
        with asked_by(Asker(name)):
            joined: list[Future[str]] = []

            def begin() -> "Future[str]":
                joined.append(flights.launch("key", make))
                opened.set() if name == "joiner" else None
                return joined[-1]

            return landed(begin)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask, "spender")
        wait_until(lambda: "key" in flights._flying)
        second = threads.submit(ask, "joiner")
        assert second.result(WITHIN_S) == "made for joiner"
        with pytest.raises(AllowanceSpent):
            first.result(WITHIN_S)
