"""Versions of jobs: found out by one process, known to all at the price of a look at memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakePool, FixedClock
from kitchen import gain_job

from cache.entry import Version
from cache.generations import Generations
from engine.code_version import CodeVersion
from engine.errors import EngineUnavailable
from jobs.repository import Catalog
from jobs.version_keeper import VersionKeeper
from jobs.versions import Versions


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def catalog(tmp_path: Path, clock: FixedClock) -> Iterator[Catalog]:
    catalog = Catalog.in_file(tmp_path / "catalog.db", clock=clock)
    catalog.migrate()
    yield catalog
    catalog.close()


def versions_in(folder: Path) -> Versions:
    return Versions(folder / "versions.json", Generations(folder / "generations"))


def test_published_version_is_known_to_another_process(tmp_path: Path, clock: FixedClock) -> None:
    writer, reader = versions_in(tmp_path), versions_in(tmp_path)
    assert reader.current("weight_gain") is None
    writer.publish({"weight_gain": Version("one", clock())})
    assert reader.current("weight_gain") == Version("one", clock())


def test_file_is_read_once_for_each_publication(tmp_path: Path, clock: FixedClock) -> None:
    versions = versions_in(tmp_path)
    versions.publish({"weight_gain": Version("one", clock())})
    versions.current("weight_gain")
    (tmp_path / "versions.json").unlink()
    assert versions.current("weight_gain") == Version("one", clock())


def test_one_job_is_published_beside_the_others_or_the_whole_in_their_place(
    tmp_path: Path, clock: FixedClock
) -> None:
    versions = versions_in(tmp_path)
    versions.publish({"a": Version("one", clock())})
    versions.publish({"b": Version("one", clock())})
    assert versions.current("a") is not None
    assert versions.publish({"b": Version("one", clock())}, whole=True)
    assert versions.current("a") is None


def test_nothing_new_is_not_published(tmp_path: Path, clock: FixedClock) -> None:
    versions = versions_in(tmp_path)
    assert versions.publish({"a": Version("one", clock())})
    assert not versions.publish({"a": Version("one", clock())})


def test_damaged_file_leaves_answers_to_be_judged_by_age(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "versions.json").write_text('{"jobs": [', encoding="utf-8")
    assert versions_in(tmp_path).current("a") is None
    assert "cannot be read" in caplog.text


def test_version_changes_with_the_entry_and_with_the_r_code(
    tmp_path: Path, clock: FixedClock, catalog: Catalog
) -> None:
    pool = FakePool()
    keeper = VersionKeeper(catalog, pool, versions_in(tmp_path))
    first = keeper.renew(gain_job())
    clock.advance(hours=1)
    assert keeper.renew(gain_job(description="in other words")) == first
    assert keeper.renew(gain_job(seed=7)).since == clock()
    pool.versions["scoring"] = "r2"
    assert keeper.renew(gain_job()).digest != first.digest


def test_job_of_a_broken_package_keeps_its_version_and_the_others_get_theirs(
    tmp_path: Path, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    pool = FakePool()
    pool.versions["MASS"] = "MASS 7.3"
    versions = versions_in(tmp_path)
    keeper = VersionKeeper(catalog, pool, versions)
    robust, own = gain_job(name="robust", package="MASS"), gain_job()
    before = keeper.publish([robust, own])
    del pool.versions["MASS"]
    pool.versions["scoring"] = "r2"
    after = keeper.publish([robust, own])
    assert after["robust"] == before["robust"] == versions.current("robust")
    assert after["weight_gain"] != before["weight_gain"]
    assert "version not known package=MASS" in caplog.text


def test_without_an_engine_nothing_is_published(tmp_path: Path, catalog: Catalog) -> None:
    class Away(FakePool):
        def version(self, package: str) -> CodeVersion:
            raise EngineUnavailable(Path("engine.sock"), "gone")

    versions = versions_in(tmp_path)
    with pytest.raises(EngineUnavailable):
        VersionKeeper(catalog, Away(), versions).publish([gain_job()])
    assert versions.current("weight_gain") is None
