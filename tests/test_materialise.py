"""Materialising: what a miss leaves behind, and what a failure does not."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import Drawn, FakePool, FixedClock
from kitchen import WITHIN_S, gain, gain_job, open_pantry

from cache.entry import Entry, State, Version
from cache.errors import StoreFull
from engine.call import Argument, FunctionCall, Output, Priority
from engine.errors import EngineUnavailable, RError, WorkerDied
from jobs.call import Call
from jobs.errors import CallFailed, RefusedMiss
from jobs.new_entry import UNRENDERED
from jobs.pantry import Pantry
from jobs.resolution import Resolution

CBT_80 = Call("scoring::gain", {"treatment": "CBT", "prewt": 80})
CBT_85 = Call("scoring::gain", {"treatment": "CBT", "prewt": 85})


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def pool() -> FakePool:
    return FakePool(gain=gain)


@pytest.fixture
def pantry(tmp_path: Path, pool: FakePool, clock: FixedClock) -> Iterator[Pantry]:
    with open_pantry(tmp_path, pool, gain_job(), clock=clock) as pantry:
        yield pantry


def entry_of(resolution: Resolution | None) -> Entry:
    assert resolution is not None
    assert resolution.entry is not None
    return resolution.entry


def staged(pantry: Pantry) -> list[Path]:
    return list((pantry.sessions.root / ".staging").iterdir())


def test_miss_is_computed_kept_and_a_hit_from_then_on(pantry: Pantry, pool: FakePool) -> None:
    made = pantry.materialise(CBT_80, gain_job())
    assert (made.state, made.computed, made.stored) == (State.FRESH, True, True)
    assert entry_of(pantry.resolve(CBT_80)) == entry_of(made)
    assert not entry_of(pantry.resolve(CBT_80)).bodies.keys() ^ {"json", "exact"}
    assert pool.calls == [("gain", {"treatment": "CBT", "prewt": 80.0, "level": 0.95})]


def test_session_of_an_answer_is_published(pantry: Pantry) -> None:
    entry = entry_of(pantry.materialise(CBT_80, gain_job()))
    assert entry.session_key is not None
    assert pantry.sessions.open(entry.session_key).manifest.function == "gain"
    assert entry.listing[0] == "R/.val"
    assert staged(pantry) == []


def test_answer_remembers_what_made_it(pantry: Pantry, clock: FixedClock) -> None:
    pantry.versions.publish({"weight_gain": Version("v1", clock())})
    job = gain_job(seed=7, tags=("regulated",))
    entry = entry_of(pantry.materialise(CBT_80, job))
    assert (entry.job, entry.version, entry.seed) == ("weight_gain", "v1", 7)
    assert entry.arguments == {"treatment": "CBT", "prewt": 80, "level": 0.95}
    assert (entry.computed_at, entry.tags) == (clock(), ("regulated",))


def test_job_decides_limits_seed_and_formats(pantry: Pantry, pool: FakePool) -> None:
    job = gain_job(timeout_s=12, seed=7, outputs=("json", "csv"))
    pantry.materialise(CBT_80, job, also=[Output("print", "print")])
    (asked,) = pool.asked
    assert (asked["limits"].wall_s, asked["seed"]) == (12, 7)
    assert {output.label for output in asked["outputs"]} == {"json", "exact", "csv", "print"}
    assert asked["priority"] is Priority.LIVE


def test_answers_of_the_grid_are_pinned_whoever_asked_first(pantry: Pantry) -> None:
    assert entry_of(pantry.materialise(CBT_80, gain_job())).pinned
    assert not entry_of(pantry.materialise(CBT_85, gain_job())).pinned


def test_format_that_cannot_be_rendered_is_noted(pantry: Pantry, pool: FakePool) -> None:
    job = gain_job(outputs=("json", "png"))
    entry = entry_of(pantry.materialise(CBT_80, job))
    assert "png" not in entry.bodies
    assert "did not generate any graphics" in entry.extra[UNRENDERED]["png"]
    pool.functions["gain"] = lambda **arguments: Drawn(gain(**arguments))
    assert "png" in entry_of(pantry.materialise(CBT_85, job)).bodies


def test_uploads_are_in_the_folder_before_r_starts(tmp_path: Path) -> None:
    seen: list[str] = []

    def place(stage: Path) -> None:
        (stage / "visits.csv").write_text("1,2")

    class Looking(FakePool):
        def evaluate(self, call: FunctionCall, *, stage: Path, **options: Any) -> Any:
            seen.append((stage / "visits.csv").read_text())
            return super().evaluate(call, stage=stage, **options)

    request = FunctionCall("scoring", "gain", (Argument("file", "file", "visits.csv"),))
    call = Call("scoring::gain", {}, request, place)
    with open_pantry(tmp_path, Looking(gain=lambda **_: 1)) as pantry:
        pantry.materialiser.evaluate(call)
    assert seen == ["1,2"]


def test_call_that_no_job_declares_leaves_a_session_and_no_answer(tmp_path: Path) -> None:
    call = Call("stats::median", {"x": [1, 2, 9]})
    with open_pantry(tmp_path, FakePool(median=lambda x: x[1])) as pantry:
        done = pantry.materialiser.evaluate(call, outputs=[Output("json", "json")])
        assert done.evaluation.bodies["json"].content == b"2.0\n"
        assert pantry.sessions.exists(done.session_key)
        assert list(pantry.store.cache_keys()) == []


# Failures


def test_error_of_r_is_not_stored_but_has_its_session(pantry: Pantry, pool: FakePool) -> None:
    def broken(**_: Any) -> None:
        raise RError("no such patient\n\nIn call:\ngain()", "no such patient")

    pool.functions["gain"] = broken
    with pytest.raises(CallFailed, match="no such patient") as caught:
        pantry.materialise(CBT_80, gain_job())
    manifest = pantry.sessions.open(caught.value.session_key).manifest
    assert manifest.error == caught.value.evaluation.error
    assert list(pantry.store.cache_keys()) == []
    pool.functions["gain"] = gain
    assert pantry.materialise(CBT_80, gain_job()).computed


@pytest.mark.parametrize(
    "error", [WorkerDied("q()"), EngineUnavailable(Path("engine.sock"), "gone")]
)
def test_trouble_of_the_engine_leaves_nothing_behind(
    pantry: Pantry, pool: FakePool, error: Exception
) -> None:
    def trouble(**_: Any) -> None:
        raise error

    pool.functions["gain"] = trouble
    with pytest.raises(type(error)):
        pantry.materialise(CBT_80, gain_job())
    assert staged(pantry) == []
    assert list(pantry.sessions.keys()) == list(pantry.store.cache_keys()) == []


def test_full_disk_while_r_works_is_told_as_such(pantry: Pantry, pool: FakePool) -> None:
    def no_room(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    pool.functions["gain"] = no_room
    with pytest.raises(StoreFull):
        pantry.materialise(CBT_80, gain_job())
    assert staged(pantry) == []


def test_answer_is_given_even_if_it_cannot_be_kept(
    pantry: Pantry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: Entry) -> None:
        raise StoreFull(Path("results"))

    monkeypatch.setattr(pantry.store, "put", full)
    made = pantry.materialise(CBT_80, gain_job())
    assert (made.state, made.stored) == (State.FRESH, False)
    assert "answer not kept" in caplog.text


def test_job_that_refuses_misses_computes_none(pantry: Pantry, pool: FakePool) -> None:
    with pytest.raises(RefusedMiss):
        pantry.begin(CBT_85, gain_job(on_miss="refuse"))
    assert pool.calls == []


# Single flight and refreshing


def test_answer_that_another_process_just_made_is_not_computed_again(
    pantry: Pantry, pool: FakePool, clock: FixedClock
) -> None:
    first = pantry.materialise(CBT_80, gain_job())
    second = pantry.materialise(CBT_80, gain_job())
    assert not second.computed
    assert second.entry == first.entry
    newer = pantry.materialise(CBT_80, gain_job(), newer_than=clock())
    assert newer.computed
    assert len(pool.calls) == 2


def test_misses_at_the_same_time_share_one_evaluation(pantry: Pantry, pool: FakePool) -> None:
    going = threading.Event()

    def slow(**arguments: Any) -> Any:
        going.wait(WITHIN_S)
        return gain(**arguments)

    pool.functions["gain"] = slow
    flights = [pantry.begin(CBT_80, gain_job()) for _ in range(20)]
    going.set()
    keys = {entry_of(flight.result(WITHIN_S)).session_key for flight in flights}
    assert (len(keys), len(pool.calls)) == (1, 1)


def test_stale_answer_is_refreshed_once_behind_it(
    pantry: Pantry, pool: FakePool, clock: FixedClock
) -> None:
    pantry.materialise(CBT_80, gain_job())
    clock.advance(hours=2)
    stale = pantry.resolve(CBT_80)
    assert stale is not None
    assert stale.state is State.STALE
    going = threading.Event()

    def slow(**arguments: Any) -> Any:
        going.wait(WITHIN_S)
        return gain(**arguments)

    pool.functions["gain"] = slow
    assert [pantry.refresh(stale) for _ in range(3)] == [True, False, False]
    going.set()
    pantry.flights.close()
    fresh = pantry.resolve(CBT_80)
    assert fresh is not None
    assert (fresh.state, len(pool.calls)) == (State.FRESH, 2)
    assert pool.asked[-1]["priority"] is Priority.REFRESH


def test_failed_refresh_keeps_the_stale_answer_and_is_not_repeated_at_once(
    pantry: Pantry, pool: FakePool, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    kept = entry_of(pantry.materialise(CBT_80, gain_job()))
    clock.advance(hours=2)
    stale = pantry.resolve(CBT_80)
    assert stale is not None

    def broken(**_: Any) -> None:
        raise RError("no such patient", "no such patient")

    pool.functions["gain"] = broken
    assert pantry.refresh(stale)
    pantry.flights._behind.shutdown()
    assert "refresh failed" in caplog.text
    assert not pantry.refresh(stale)
    assert entry_of(pantry.resolve(CBT_80)) == kept
    assert list(pantry.sessions.keys()) == [kept.session_key]


def test_call_whose_uploads_are_gone_is_not_refreshed(pantry: Pantry, clock: FixedClock) -> None:
    def place(stage: Path) -> None:
        (stage / "visits.csv").touch()

    stale = pantry.materialise(replace(CBT_80, place_inputs=place), gain_job())
    assert not pantry.refresh(stale)
