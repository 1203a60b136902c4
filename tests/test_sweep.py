"""Keeping house: things are broken first, then put right."""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from test_entry import NOON, an_entry
from test_session_folder import filled

from cache.entry import Body, Entry
from cache.errors import StoreFull
from cache.sessions import MANIFEST, SessionFolder
from cache.store import Store
from cache.sweep import CheckReport, Sweep, SweepReport

DAY = timedelta(days=1)
NOTHING = SweepReport(expired=0, evicted=0, sessions=0, freed_bytes=0, over_budget_bytes=0)
WHOLE = CheckReport(summaries=0, orphans=0, unlinked=0)


class House:
    """A store, a session folder and their sweep."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root / "results", size_limit_bytes=100_000)
        self.sessions = SessionFolder(root / "sessions")
        self.sweep = Sweep(self.store, self.sessions, keep_sessions_s=86_400)

    def session(self) -> str:
        stage = filled(self.sessions)
        self.sessions.publish(stage)
        return stage.session_key

    def put(self, number: int, **changes: object) -> Entry:
        entry = an_entry(cache_key=f"{number:032x}", **{"session_key": None, **changes})
        self.store.put(entry)
        return entry

    def numbers(self) -> list[int]:
        return [int(cache_key, 16) for cache_key in self.store.cache_keys()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_check_finds_nothing_in_a_whole_house(house: House) -> None:
    house.put(1, session_key=house.session())
    house.put(2)
    assert house.sweep.check() == WHOLE
    assert house.sweep.run(NOON) == NOTHING


def test_stage_of_a_dead_evaluation_is_cleared(house: House) -> None:
    stage = filled(house.sessions)
    os.utime(stage.path, (0, 0))
    assert house.sweep.run(NOON).leftovers == 1
    assert not stage.path.exists()


def test_session_without_manifest_is_removed(house: House) -> None:
    key, whole = house.session(), house.session()
    (house.sessions.root / key / MANIFEST).unlink()
    assert house.sweep.check().orphans == 1
    assert list(house.sessions.keys()) == [whole]


def test_session_of_a_later_larder_is_left_alone(house: House) -> None:
    key = house.session()
    manifest = house.sessions.root / key / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"format":1', b'"format":2'))
    assert house.sweep.check() == WHOLE


def test_entry_whose_session_is_gone_keeps_its_bodies(house: House) -> None:
    entry = house.put(1, session_key=house.session())
    assert house.sessions.delete(str(entry.session_key))
    assert house.sweep.check().unlinked == 1
    kept = house.store.get(entry.cache_key)
    assert (kept.session_key, kept.listing) == (None, ())
    assert kept.bodies == entry.bodies
    assert house.sweep.check() == WHOLE


def test_lost_summary_is_made_anew(house: House) -> None:
    house.put(1)
    with closing(sqlite3.connect(house.store.folder / "cache.db")) as connection, connection:
        connection.execute("DELETE FROM Cache WHERE key LIKE 'm:%'")
    assert house.sweep.check().summaries == 1
    assert len(list(house.store.summary("weight_gain"))) == 1


def test_unreadable_entry_stops_no_sweep(house: House) -> None:
    house.put(1, keep_until=NOON)
    house.put(2, keep_until=NOON)
    with closing(sqlite3.connect(house.store.folder / "cache.db")) as connection, connection:
        connection.execute("UPDATE Cache SET value = x'00' WHERE key LIKE '_:%1'")
    assert house.sweep.run(NOON).expired == 1
    assert house.numbers() == [1]


def test_entries_go_when_their_time_is_over(house: House) -> None:
    house.put(1, keep_until=NOON + DAY)
    house.put(2, keep_until=NOON + 2 * DAY, pinned=False)
    report = house.sweep.run(NOON + DAY)
    assert (report.expired, report.evicted) == (1, 0)
    assert report.freed_bytes > 2000
    assert house.numbers() == [2]


def bulky(kilobytes: int) -> dict[str, Body]:
    return {"png": Body.of(bytes(kilobytes * 1000), "image/png")}


def test_pressure_evicts_the_oldest_on_demand_entries(house: House) -> None:
    for number in range(4):
        computed_at = NOON - number * DAY
        house.put(number, pinned=False, computed_at=computed_at, bodies=bulky(40))
    report = house.sweep.run(NOON)
    assert (report.expired, report.evicted, report.over_budget_bytes) == (0, 2, 0)
    assert house.numbers() == [0, 1]


def test_pressure_never_evicts_pinned_entries_and_says_so(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        house.put(number, pinned=number < 3, bodies=bulky(40))
    report = house.sweep.run(NOON)
    assert report.evicted == 1
    assert 20_000 < report.over_budget_bytes < 30_000
    assert house.numbers() == [0, 1, 2]
    assert "over its limit" in caplog.text


def test_session_goes_with_age_unless_an_entry_holds_it(house: House) -> None:
    free, held = house.session(), house.session()
    house.put(1, session_key=held)
    assert house.sweep.run(NOON + DAY / 2) == NOTHING
    report = house.sweep.run(NOON + DAY)
    assert report.sessions == 1
    assert report.freed_bytes >= 5
    assert list(house.sessions.keys()) == [held]
    assert not house.sessions.exists(free)


def test_session_goes_with_its_entry(house: House) -> None:
    house.put(1, session_key=house.session(), keep_until=NOON + DAY)
    report = house.sweep.run(NOON + DAY)
    assert (report.expired, report.sessions) == (1, 1)
    assert list(house.sessions.keys()) == []


def test_sweep_of_an_empty_house_does_nothing(house: House) -> None:
    assert house.sweep.run(NOON) == NOTHING
    assert house.sweep.check() == WHOLE


def test_full_disk_still_lets_old_sessions_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.session()
    house.put(1, keep_until=NOON)

    def full(_: object) -> list[object]:
        raise StoreFull(house.store.folder)

    monkeypatch.setattr(house.store, "discard", full)
    with pytest.raises(StoreFull):
        house.sweep.run(NOON + DAY)
    assert list(house.sessions.keys()) == []
