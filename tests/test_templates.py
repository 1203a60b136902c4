"""Templates with real R: who forks from which, and what happens when one changes or dies."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from engines import Engine
from serving import wait_until

from engine.errors import TemplateFailed, WorkerDied
from engine.memory import pss_bytes

pytestmark = pytest.mark.r

MODEL = """
suppressPackageStartupMessages(library(nlme))
big <- as.numeric(1:2e6)
total <- function() sum(big)
where <- function() Sys.getpid()
version <- function() 1
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "models").mkdir()
    (folder / "models" / "m.R").write_text(MODEL)
    return folder


@pytest.fixture(scope="module")
def engine(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), project)
    yield engine
    engine.close()


def pid_of(engine: Engine, name: str) -> int:
    return int(template(engine, name)["pid"])


def template(engine: Engine, name: str) -> dict[str, Any]:
    return next(one for one in engine.pool.info()["templates"] if one["name"] == name)


def loaded(engine: Engine, package: str = "base") -> list[str]:
    evaluation = engine.call("identity", package=package, x="loadedNamespaces()")
    found: list[str] = orjson.loads(evaluation.bodies["json"].content)
    return found


def test_call_of_another_package_sees_nothing_of_the_models(engine: Engine) -> None:
    assert "nlme" not in loaded(engine)


def test_code_that_names_the_project_finds_it(engine: Engine) -> None:
    assert engine.json("total") == [2000001000000]
    body = engine.call("identity", package="base", x="traits::total()").bodies["json"]
    assert orjson.loads(body.content) == [2000001000000]


def test_package_in_demand_gets_a_template_and_the_same_answers(engine: Engine) -> None:
    def fit() -> bytes:
        return engine.call("fractions", package="MASS", x="c(0.5, 0.25)").bodies["json"].content

    first = [fit(), fit()]
    wait_until(lambda: any(one["name"] == "MASS" for one in engine.pool.info()["templates"]))
    assert [fit(), fit()] == first


def test_template_shares_the_memory_of_the_models(engine: Engine) -> None:
    # 16 MB of models, and R: a copy of R alone would be more than 40 MB.
    assert template(engine, "project")["pss_bytes"] < 60e6


def test_large_model_serves_calls_at_once_in_little_more_memory_than_one(tmp_path: Path) -> None:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text(
        "model <- as.numeric(1:2.5e7)\n"  # 200 MB
        "uses <- function() {x <- sum(model); while (!file.exists('go')) Sys.sleep(0.01); x}"
    )
    engine = Engine(tmp_path, tmp_path / "project")
    try:
        with ThreadPoolExecutor(4) as threads:
            answers = [threads.submit(engine.json, "uses") for _ in range(4)]
            wait_until(lambda: engine.pool.info()["running"] == 4)
            wait_until(lambda: all(call["pid"] for call in engine.pool.under_way()))
            pids = [int(call["pid"]) for call in engine.pool.under_way()]
            memory = sum(map(pss_bytes, pids)) + template(engine, "project")["pss_bytes"]
            wait_until(lambda: len(list((tmp_path / "work").glob("*/x0*"))) == 4)
            for folder in (tmp_path / "work").glob("*/x0*"):
                (folder / "go").touch()
            assert [answer.result() for answer in answers] == [[312500012500000]] * 4
        assert memory < 400e6  # five copies would be a gigabyte
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["project", "base"])
def test_death_of_a_parent_costs_no_later_call(engine: Engine, name: str) -> None:
    before = pid_of(engine, name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(engine, name) != before)
    assert engine.call("identity", package="base", x="1").ok
    assert engine.json("total") == [2000001000000]


def test_models_broken_at_the_start_are_told_and_load_once_they_are_mended(
    tmp_path: Path,
) -> None:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text("fine <- 1\nbroken <- function( {\n")
    engine = Engine(tmp_path, tmp_path / "project")
    try:
        assert "models/m.R:2" in engine.pool.info()["problem"]
        assert engine.call("identity", package="base", x="1").ok
        with pytest.raises(TemplateFailed, match=r"models/m\.R:2"):
            engine.json("works")
        model.write_text("works <- function() 1\n")
        wait_until(lambda: engine.pool.info()["problem"] is None)
        assert engine.json("works") == [1]
    finally:
        engine.close()


LOADER = "Sys.getpid()"
BASE = "as.integer(strsplit(readLines('/proc/self/stat'), ' ')[[1]][4])"
KILLS_ONCE = """
if (file.exists("MARKER") && unlink("MARKER") == 0) {
  tools::pskill(VICTIM, 9)
  Sys.sleep(60)
}
works <- function() 1
"""


@pytest.mark.parametrize("victim", [LOADER, BASE], ids=["loader", "base"])
def test_models_whose_parent_is_killed_while_they_load_are_loaded_again(
    tmp_path: Path, victim: str
) -> None:
    marker = tmp_path / "kill"
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text(KILLS_ONCE.replace("MARKER", str(marker)).replace("VICTIM", victim))
    marker.touch()
    engine = Engine(tmp_path, tmp_path / "project")

    def works() -> bool:
        with suppress(WorkerDied):  # not TemplateFailed: there is nothing wrong with the models
            return engine.json("works") == [1]
        return False

    try:
        wait_until(works)
        marker.touch()
        os.kill(pid_of(engine, "project"), signal.SIGKILL)
        wait_until(lambda: works() and not marker.exists())
        assert engine.pool.info()["problem"] is None
    finally:
        engine.close()


def test_models_that_crash_r_are_told_and_load_once_they_are_mended(tmp_path: Path) -> None:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text("tools::pskill(Sys.getpid(), 11)\n")
    engine = Engine(tmp_path, tmp_path / "project")
    try:
        assert engine.pool.info()["problem"] == "R ended while it loaded them, without a word"
        with pytest.raises(TemplateFailed, match="do not load: R ended"):
            engine.json("works")
        model.write_text("works <- function() 1\n")
        wait_until(lambda: engine.pool.info()["problem"] is None)
        assert engine.json("works") == [1]
    finally:
        engine.close()
