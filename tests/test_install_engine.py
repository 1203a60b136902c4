"""Installing through the engine: when calls find what is new, and what a killed broker leaves."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from serving import ROOT, wait_until
from shop import commit, package, running

from cache.sessions import SessionFolder
from engine.broker import BrokerConfig
from engine.call import Argument, FunctionCall, Output
from engine.errors import (
    EngineUnavailable,
    InstallFailed,
    InstallTimeout,
    OriginNotFound,
    PackageNotFound,
)
from engine.install_request import InstallRequest
from engine.limits import Limits
from engine.pool import Pool
from engine.shelf import Shelf, is_whole

pytestmark = pytest.mark.r

ENDLESS = "#!/bin/sh\nsetsid sleep 47114721 &\nsleep 47114722\n"


class Engine:
    """A broker without a project, and repositories to install from."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.state.mkdir()
        self.repositories = folder / "repositories"
        self.repositories.mkdir()
        self.sessions = SessionFolder(self.state / "sessions")
        self.shelf = Shelf(self.state / "apps")
        self.pool = Pool(self.state / "engine.sock")
        self.start()

    def start(self) -> None:
        config = BrokerConfig(
            socket=str(self.state / "engine.sock"),
            state=str(self.state),
            sessions_root=str(self.state / "sessions"),
            spares=1,
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.broker", config.to_json()], cwd=ROOT
        )
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        try:
            self.pool.info()
        except EngineUnavailable:
            return False
        return True

    def request(self, name: str, **changes: Any) -> InstallRequest:
        return InstallRequest("github", name, github_url=str(self.repositories), **changes)

    def json(self, package: str, function: str, library: str | None = None, **given: str) -> object:
        stage = self.sessions.stage()
        arguments = tuple(Argument(name, "code", value) for name, value in given.items())
        call = FunctionCall(package, function, arguments, library=library)
        outputs = [Output("json", "json")]
        evaluation = self.pool.evaluate(call, stage=stage.path, limits=Limits(), outputs=outputs)
        assert evaluation.ok, evaluation.error
        return orjson.loads(evaluation.bodies["json"].content)

    def stop(self) -> None:
        self.pool.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    engine.stop()


def test_installed_package_is_found_by_every_call_from_then_on(engine: Engine) -> None:
    commit(engine.repositories / "ada" / "app", package("app"))
    before = engine.json("base", ".libPaths")
    with pytest.raises(PackageNotFound):
        engine.json("app", "app")
    installed = engine.pool.install(engine.request("ada/app"))
    assert engine.json("app", "app") == ["0.1"]
    assert engine.json("app", "app", library=str(installed.folder)) == ["0.1"]
    assert engine.json("base", ".libPaths") == [*as_list(before), str(installed.folder)]
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
    under_way = threading.Thread(target=lambda: answers.append(engine.json("app", "app")))
    under_way.start()
    wait_until(lambda: list(work.glob("*/*/started")))
    [started] = work.glob("*/*/started")
    commit(repository, package("app", code + "late <- function() 'new'\n"))
    engine.pool.install(engine.request("ada/app"))
    assert engine.json("app", "late") == ["new"]
    assert engine.pool.version("app") != version  # the same number of another commit
    started.with_name("go_on").touch()
    under_way.join(30)
    assert answers == [["old"]]


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
    assert engine.json("app", "app") == ["0.1"]
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
        engine.json("app", "app")
