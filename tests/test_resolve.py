"""Resolving: what is there for a call, found without R, without SQL and without a write."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool, FixedClock, NoPool
from kitchen import gain, gain_job, open_pantry

from cache.entry import Entry, State, Version
from cache.errors import StoreUnavailable
from cache.keys import Code, form_value
from jobs.argument import ArgumentSpec
from jobs.call import Call
from jobs.errors import JobNotFound
from jobs.job_set import JobSet
from jobs.memory import Memory
from jobs.pantry import Pantry
from jobs.resolution import Resolution

CBT_80 = Call("scoring::gain", {"treatment": "CBT", "prewt": 80})


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def pantry(tmp_path: Path, clock: FixedClock) -> Iterator[Pantry]:
    with open_pantry(tmp_path, FakePool(gain=gain), gain_job(), clock=clock) as pantry:
        yield pantry


def prepare(pantry: Pantry, call: Call = CBT_80) -> Entry:
    job = pantry.jobs.declaring(call.function)[0]
    entry = pantry.materialise(call, job).entry
    assert entry is not None
    return entry


def found(pantry: Pantry, call: Call = CBT_80) -> Resolution:
    resolution = pantry.resolve(call)
    assert resolution is not None
    return resolution


def test_hit_asks_no_engine_and_no_database_of_the_catalog(
    tmp_path: Path, pantry: Pantry, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = prepare(pantry)

    def no_catalog(*_: object, **__: object) -> Any:
        raise AssertionError("the catalog was opened")

    monkeypatch.setattr("jobs.database.create_engine", no_catalog)
    with open_pantry(tmp_path, NoPool(), gain_job(), clock=clock) as reader:
        hit = found(reader)
        assert (hit.state, hit.entry) == (State.FRESH, entry)


def test_second_hit_comes_from_memory(pantry: Pantry, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(pantry)
    first = found(pantry)
    monkeypatch.setattr(pantry.store, "get", None)
    assert found(pantry).entry is first.entry


def test_hit_writes_nothing(tmp_path: Path, pantry: Pantry) -> None:
    prepare(pantry)
    found(pantry)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    found(pantry)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_form_fields_find_what_a_cell_prepared(pantry: Pantry) -> None:
    prepare(pantry)
    fields = {"prewt": form_value("8e1"), "treatment": form_value("'CBT'")}
    assert found(pantry, Call("scoring::gain", fields)).state is State.FRESH


def test_declared_default_may_be_given_or_left_out(pantry: Pantry) -> None:
    prepare(pantry)
    given = {**CBT_80.arguments, "level": 0.95}
    assert found(pantry, Call("scoring::gain", given)).state is State.FRESH


def test_default_does_not_stand_in_for_an_argument_that_r_may_match_itself(pantry: Pantry) -> None:
    prepare(pantry)
    shortened = {"treatment": "CBT", "prewt": 80, "lev": 0.95}
    assert found(pantry, Call("scoring::gain", shortened)).state is State.MISS
    by_place = {"...": Code('"CBT", 80')}
    with_level = {**by_place, "level": 0.95}
    job = gain_job()
    assert job.cache_key(by_place) != job.cache_key(with_level)


def test_function_that_no_job_declares_is_nothing_to_resolve(pantry: Pantry) -> None:
    assert pantry.resolve(Call("stats::rnorm", {"n": 3})) is None


def test_miss_says_under_which_key_the_answer_will_be(pantry: Pantry) -> None:
    miss = found(pantry)
    assert (miss.state, miss.entry, miss.age_s) == (State.MISS, None, 0.0)
    assert prepare(pantry).cache_key == miss.cache_key


def test_answer_ages_from_fresh_to_stale_to_a_miss(pantry: Pantry, clock: FixedClock) -> None:
    prepare(pantry)
    clock.advance(minutes=20)
    fresh = found(pantry)
    assert (fresh.state, fresh.age_s, fresh.ttl_s) == (State.FRESH, 1200.0, 2400.0)
    clock.advance(minutes=50)
    stale = found(pantry)
    assert (stale.state, stale.age_s, stale.ttl_s) == (State.STALE, 4200.0, -600.0)
    clock.advance(hours=2)
    assert found(pantry).state is State.MISS


def test_answer_of_another_version_is_stale_at_once(pantry: Pantry, clock: FixedClock) -> None:
    pantry.versions.publish({"weight_gain": Version("one", clock())})
    prepare(pantry)
    changed = clock.advance(minutes=10)
    pantry.versions.publish({"weight_gain": Version("two", changed)})
    clock.advance(minutes=5)
    stale = found(pantry)
    assert (stale.state, stale.ttl_s) == (State.STALE, -300.0)


def test_change_by_another_process_is_seen_at_once(
    tmp_path: Path, pantry: Pantry, clock: FixedClock
) -> None:
    prepare(pantry)
    with open_pantry(tmp_path, FakePool(gain=gain), gain_job(), clock=clock) as other:
        assert found(other).state is State.FRESH
        now = clock.advance(minutes=1)
        job = gain_job()
        pantry.materialise(CBT_80, job, newer_than=now - timedelta(seconds=1))
        assert found(other).age_s == 0.0


def test_entry_that_cannot_be_read_is_a_miss(
    pantry: Pantry, caplog: pytest.LogCaptureFixture
) -> None:
    key = prepare(pantry).cache_key
    pantry.store._rows.set(f"e:{key}", b"no entry")
    pantry.generations.bump("scoring::gain")
    assert found(pantry).state is State.MISS
    assert "entry left out" in caplog.text


def test_store_that_cannot_be_read_is_no_miss(
    pantry: Pantry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise StoreUnavailable(Path("results"), "broken")

    monkeypatch.setattr(pantry.store, "get", broken)
    with pytest.raises(StoreUnavailable):
        pantry.resolve(CBT_80)


# Several jobs of one function


def test_first_job_with_a_fresh_answer_counts(tmp_path: Path, clock: FixedClock) -> None:
    first = gain_job(name="first", seed=1)
    second = gain_job(name="second", seed=2)
    with open_pantry(tmp_path, FakePool(gain=gain), first, second, clock=clock) as pantry:
        pantry.materialise(CBT_80, second)
        assert found(pantry).job.name == "second"
        pantry.materialise(CBT_80, first)
        assert found(pantry).job.name == "first"


def test_stale_answer_is_better_than_a_miss_of_an_earlier_job(
    tmp_path: Path, clock: FixedClock
) -> None:
    first = gain_job(name="first", seed=1)
    second = gain_job(name="second", seed=2)
    with open_pantry(tmp_path, FakePool(gain=gain), first, second, clock=clock) as pantry:
        pantry.materialise(CBT_80, second)
        clock.advance(hours=2)
        stale = found(pantry)
        assert (stale.job.name, stale.state) == ("second", State.STALE)


def test_miss_belongs_to_the_first_job_that_computes_misses(
    tmp_path: Path, clock: FixedClock
) -> None:
    refusing = gain_job(name="first", seed=1, on_miss="refuse")
    running = gain_job(name="second", seed=2)
    with open_pantry(tmp_path, NoPool(), refusing, running, clock=clock) as pantry:
        assert found(pantry).job.name == "second"


def test_one_job_can_be_asked_alone(tmp_path: Path, clock: FixedClock) -> None:
    first, second = gain_job(name="first", seed=1), gain_job(name="second", seed=2)
    with open_pantry(tmp_path, FakePool(gain=gain), first, second, clock=clock) as pantry:
        pantry.materialise(CBT_80, second)
        alone = pantry.resolve(CBT_80, first)
        assert alone is not None
        assert alone.state is State.MISS


def test_changed_definitions_are_taken_over_whole(pantry: Pantry) -> None:
    prepare(pantry)
    level = ArgumentSpec("level", "number", default=0.9, required=False)
    arguments = (*gain_job().arguments[:2], level)
    pantry.use(JobSet([gain_job(arguments=arguments)]))
    assert found(pantry).state is State.MISS


def test_unknown_job_is_told_with_the_nearest_name() -> None:
    with pytest.raises(JobNotFound, match="did you mean 'weight_gain'"):
        JobSet([gain_job()]).job("weigth_gain")


# Memory


def test_memory_keeps_the_last_used_within_its_bytes(pantry: Pantry) -> None:
    entries = [
        prepare(pantry, Call("scoring::gain", {"treatment": "CBT", "prewt": prewt}))
        for prewt in range(70, 80)
    ]
    memory = Memory(20_000)  # six of them
    for entry in entries:
        memory.put(entry, 1)
        memory.get(entries[0].cache_key, 1)
    assert memory.size_bytes <= 20_000
    assert memory.get(entries[0].cache_key, 1) is entries[0]
    assert memory.get(entries[1].cache_key, 1) is None


def test_memory_of_an_older_generation_is_not_trusted(pantry: Pantry) -> None:
    entry = prepare(pantry)
    memory = Memory(20_000)
    memory.put(entry, 1)
    assert memory.get(entry.cache_key, 2) is None
