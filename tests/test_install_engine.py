"""Installing through the engine: when calls find what is new, and what a killed broker leaves."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engines
import orjson
import pytest
from serving import ROOT, wait_until
from shop import commit, package, running

from engine.errors import (
    EngineUnavailable,
    InstallFailed,
    InstallTimeout,
    OriginNotFound,
    PackageNotFound,
)
from engine.install_request import InstallRequest
from engine.processes import has_ended
from engine.shelf import Shelf, is_whole

pytestmark = pytest.mark.r

ENDLESS = "#!/bin/sh\nsetsid sleep 47114721 &\nsleep 47114722\n"


class Engine(engines.Engine):
    """An engine, of no project unless told, and repositories to install from."""

    def __init__(self, folder: Path, project: Path | None = None) -> None:
        self.repositories = folder / "repositories"
        self.repositories.mkdir()
        state = folder / "state"
        state.mkdir()
        self.shelf = Shelf(state / "apps")
        super().__init__(state, project, spares=1)

    def request(self, name: str, **changes: Any) -> InstallRequest:
        return InstallRequest("github", name, github_url=str(self.repositories), **changes)

    def answer(
        self, package: str, function: str, library: str | None = None, **given: str
    ) -> object:
        evaluation = self.call(function, package=package, library=library, **given)
        assert evaluation.ok, evaluation.error
        return orjson.loads(evaluation.bodies["json"].content)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.close()


def test_installed_package_is_found_by_every_call_from_then_on(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "app", package("app"))
    before = engine.answer("base", ".libPaths")
    with pytest.raises(PackageNotFound):
        engine.answer("app", "app")
    installed = engine.pool.install(engine.request("ada/app"))
    assert engine.answer("app", "app") == ["0.1"]
    assert engine.answer("app", "app", library=str(installed.folder)) == ["0.1"]
    assert engine.answer("base", ".libPaths") == [*as_list(before), str(installed.folder)]
    [fact] = engine.pool.info()["installed"]
    assert (fact["source"], fact["name"], fact["package"]) == ("github", "ada/app", "app")
    assert (fact["version"], fact["commit"]) == ("0.1", installed.commit)


def as_list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_update_reaches_new_calls_and_spares_those_under_way(engine: Engine) -> None:
    work = engine.state / "work"
    code = (
        "app <- function() {\n  file.create('started')\n"
        "  while (!file.exists('go_on')) Sys.sleep(0.05)\n  late()\n}\n"
    )
    repository = engine.repositories / "ada" / "app"
    commit(repository, package("app", code + "late <- function() 'old'\n"))
    engine.pool.install(engine.request("ada/app"))
    version = engine.pool.version("app")
    answers: list[object] = []
    under_way = threading.Thread(target=lambda: answers.append(engine.answer("app", "app")))
    under_way.start()
    wait_until(lambda: list(work.glob("*/*/started")))
    [started] = work.glob("*/*/started")
    commit(repository, package("app", code + "late <- function() 'new'\n"))
    engine.pool.install(engine.request("ada/app"))
    assert engine.answer("app", "late") == ["new"]
    assert engine.pool.version("app") != version  # the same number of another commit
    started.with_name("go_on").touch()
    under_way.join(30)
    assert answers == [["old"]]


MODEL = """
waits <- function() {
  file.create('started')
  while (!file.exists('go_on')) Sys.sleep(0.05)
  'waited'
}
good <- function() 'last'
"""


@pytest.fixture
def modelled(tmp_path: Path) -> Iterator[Engine]:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text(MODEL)
    engine = Engine(tmp_path, tmp_path / "project")
    yield engine
    engine.close()


def test_installation_spares_calls_of_the_project(modelled: Engine) -> None:
    commit(modelled.repositories / "ada" / "app", package("app"))
    answers: list[object] = []
    under_way = threading.Thread(target=lambda: answers.append(modelled.json("waits")))
    under_way.start()
    wait_until(lambda: list((modelled.state / "work").glob("*/*/started")))
    [started] = (modelled.state / "work").glob("*/*/started")
    old = {one["pid"] for one in modelled.pool.info()["templates"]}
    modelled.pool.install(modelled.request("ada/app"))
    assert modelled.answer("app", "app") == ["0.1"]
    assert old.isdisjoint(one["pid"] for one in modelled.pool.info()["templates"])
    started.with_name("go_on").touch()
    under_way.join(30)
    assert answers == [["waited"]]
    wait_until(lambda: all(map(has_ended, old)))
    is_of_old = re.compile("|".join(f"{pid}-" for pid in old)).match
    wait_until(lambda: not any(is_of_old(home.name) for home in modelled.state.glob("work/*")))


def test_models_that_load_no_more_serve_on_with_what_is_installed(modelled: Engine) -> None:
    model = modelled.state.parent / "project" / "models" / "m.R"
    model.write_text(MODEL + "broken <- function( {")
    wait_until(lambda: modelled.pool.info()["problem"])
    commit(modelled.repositories / "ada" / "app", package("app"))
    modelled.pool.install(modelled.request("ada/app"))
    assert modelled.answer("app", "app") == ["0.1"]
    assert modelled.answer("traits", "good") == ["last"]
    model.write_text(MODEL + "mended <- function() app::app()")
    wait_until(lambda: modelled.pool.info()["problem"] is None)
    assert modelled.json("mended") == ["0.1"]


def test_failures_come_back_as_what_they_are(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "slow", package("slow", configure=ENDLESS))
    commit(engine.repositories / "ada" / "broken", package("broken", "oops("))
    with pytest.raises(OriginNotFound, match="no repository ada/none"):
        engine.pool.install(engine.request("ada/none"))
    with pytest.raises(InstallTimeout, match="after 2 seconds") as late:
        engine.pool.install(engine.request("ada/slow", timeout_s=2))
    assert late.value.limit_s == 2
    with pytest.raises(InstallFailed, match="cannot be installed") as failed:
        engine.pool.install(engine.request("ada/broken"))
    assert "ERROR" in failed.value.log
    assert running("sleep 4711472") == []


def test_client_that_goes_away_ends_its_installation(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "slow", package("slow", configure=ENDLESS))
    source = (
        "import sys; from pathlib import Path; from engine.pool import Pool\n"
        "from engine.install_request import InstallRequest\n"
        "request = InstallRequest('github', 'ada/slow', github_url=sys.argv[2])\n"
        "Pool(Path(sys.argv[1])).install(request)"
    )
    socket = str(engine.state / "engine.sock")
    client = subprocess.Popen(
        [sys.executable, "-c", source, socket, str(engine.repositories)], cwd=ROOT
    )
    wait_until(lambda: running("sleep 47114722"))
    client.kill()
    client.wait()
    wait_until(lambda: not running("sleep 4711472"))
    wait_until(lambda: not list((engine.state / "apps" / "releases").iterdir()))


def test_killed_broker_leaves_a_whole_shelf_and_no_process(engine: Engine) -> None:
    repository = engine.repositories / "ada" / "app"
    commit(repository, package("app"))
    old = engine.pool.install(engine.request("ada/app"))
    commit(repository, package("app", configure=ENDLESS))
    waiting = threading.Thread(target=install_in_vain, args=(engine,))
    waiting.start()
    wait_until(lambda: running("sleep 47114722"))
    engine.process.kill()
    engine.process.wait()
    waiting.join(30)
    wait_until(lambda: not running("sleep 4711472"))
    assert engine.shelf.find("github", "ada/app") == old
    assert is_whole(old)
    engine.start()
    assert engine.answer("app", "app") == ["0.1"]
    engine.shelf.sweep(86400)
    releases = engine.state / "apps" / "releases"
    assert [path.name for path in releases.iterdir()] == [old.release]


def install_in_vain(engine: Engine) -> None:
    with pytest.raises(EngineUnavailable):
        engine.pool.install(engine.request("ada/app"))


def test_stopped_engine_ends_its_installations(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "slow", package("slow", configure=ENDLESS))
    waiting = threading.Thread(target=stop_in_the_middle, args=(engine,))
    waiting.start()
    wait_until(lambda: running("sleep 47114722"))
    engine.process.terminate()
    engine.process.wait(20)
    waiting.join(20)
    assert running("sleep 4711472") == []


def stop_in_the_middle(engine: Engine) -> None:
    with pytest.raises((InstallFailed, EngineUnavailable)):
        engine.pool.install(engine.request("ada/slow"))


def test_removed_package_is_found_no_more(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "app", package("app"))
    engine.pool.install(engine.request("ada/app"))
    before = engine.pool.info()["shelf"]
    engine.shelf.remove("github", "ada/app")
    wait_until(lambda: engine.pool.info()["shelf"] != before)
    assert engine.pool.info()["installed"] == []
    with pytest.raises(PackageNotFound):
        engine.answer("app", "app")
