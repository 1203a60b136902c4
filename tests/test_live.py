"""Live sessions: chains are forked from what stayed in memory, and nobody can tell."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from serving import wait_until

from engine.limits import Limits

pytestmark = pytest.mark.r

OFF = {"most": 0}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("live"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that reads every session from its folder."""
    engine = Engine(tmp_path_factory.mktemp("stored"), live=OFF)
    yield engine
    engine.close()


def begin(engine: Engine, code: str = "data.frame(a = 1:3)", **how: Any) -> str:
    """The key of a session whose value is that of some code."""
    assert engine.call("identity", package="base", x=code, **how).ok
    return engine.last


def live_keys(engine: Engine) -> set[str]:
    return {one["key"] for one in engine.pool.info()["live"]}


def served(engine: Engine) -> int:
    return int(engine.pool.info()["served_live"])


def pid_of(engine: Engine, key: str) -> int:
    return next(int(one["pid"]) for one in engine.pool.info()["live"] if one["key"] == key)


def test_next_step_is_forked_from_the_session_it_names(engine: Engine) -> None:
    key = begin(engine)
    wait_until(lambda: key in live_keys(engine))
    before = served(engine)
    body = engine.call("nrow", package="base", x=key).bodies["json"]
    assert body.content == b"[3]\n"
    assert served(engine) == before + 1


def test_many_steps_are_forked_from_one_session_and_from_each_other(engine: Engine) -> None:
    key = begin(engine, "1:4")
    for _ in range(3):
        assert engine.call("rev", package="base", x=key).bodies["json"].content == b"[4, 3, 2, 1]\n"
    for _ in range(20):  # more than one process can be forked from the other
        assert engine.call("sum", package="base", **{"...": f"{key}, 1"}).ok
        key = engine.last
    assert engine.json("identity", package="base", x=key) == [10 + 20]


def test_session_serves_nobody_but_its_owner(engine: Engine) -> None:
    key = begin(engine, owner="ann")
    wait_until(lambda: key in live_keys(engine))
    before = served(engine)
    assert engine.call("nrow", package="base", x=key, owner="bob").ok
    assert served(engine) == before
    assert engine.call("nrow", package="base", x=key, owner="ann").ok
    assert served(engine) == before + 1


def test_call_with_other_limits_is_not_forked_from_it(engine: Engine) -> None:
    key = begin(engine)
    wait_until(lambda: key in live_keys(engine))
    before = served(engine)
    assert engine.call("nrow", package="base", x=key, limits=replace(Limits(), processes=9)).ok
    assert served(engine) == before


def test_chain_ends_when_it_is_not_used(tmp_path: Path) -> None:
    engine = Engine(tmp_path, live={"idle_s": 0.5})
    try:
        key = begin(engine)
        wait_until(lambda: not live_keys(engine))
        wait_until(lambda: key not in "".join(map(str, (tmp_path / "work").rglob("x0*"))))
        assert engine.call("nrow", package="base", x=key).ok
    finally:
        engine.close()


def test_no_more_stay_than_may(tmp_path: Path) -> None:
    engine = Engine(tmp_path, live={"most": 2})
    try:
        keys = [begin(engine, str(number)) for number in range(4)]
        wait_until(lambda: keys[-1] in live_keys(engine))
        assert live_keys(engine) == set(keys[-2:])
    finally:
        engine.close()


def test_what_takes_too_much_memory_goes(tmp_path: Path) -> None:
    engine = Engine(tmp_path, live={"memory_bytes": 100_000_000})
    try:
        begin(engine, "numeric(2e7)", outputs=())
        wait_until(lambda: not live_keys(engine))
    finally:
        engine.close()


def test_nothing_stays_where_live_sessions_are_off(stored: Engine) -> None:
    key = begin(stored)
    assert stored.call("nrow", package="base", x=key).ok
    assert not live_keys(stored)
    assert not served(stored)


@pytest.mark.parametrize(
    "code",
    [
        "options(digits = 3)",
        "Sys.setenv(LEFT = '1')",
        "Sys.setlocale('LC_COLLATE', 'C')",
        "Sys.umask('000')",
        "assign('left', 1, globalenv())",
        "library(tools)",
        "RNGkind('Wichmann-Hill')",
        "setHook('left', function(...) 1)",
        "system('sleep 600 >/dev/null 2>&1 &')",
        "{f <- file('left', 'w'); cat('x', file = f); assign('f', f, baseenv()); 1}",
        ".libPaths(tempdir())",
        "stop('failed')",
    ],
)
def test_session_whose_call_left_something_behind_does_not_stay(engine: Engine, code: str) -> None:
    engine.call("identity", package="base", x=f"{{{code}; 1}}")
    key = engine.last
    later = begin(engine, "1")
    wait_until(lambda: later in live_keys(engine))
    assert key not in live_keys(engine)


CHAINS: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "values": (("identity", {"x": "1:10"}), ("rev", {"x": "KEY"}), ("sum", {"...": "KEY"})),
    "data frames": (
        ("identity", {"x": "head(mtcars)"}),
        ("subset", {"x": "KEY", "subset": "cyl == 6"}),
        ("summary", {"object": "KEY"}),
    ),
    "models": (
        ("identity", {"x": "lm(dist ~ speed, cars)"}),
        ("summary", {"object": "KEY"}),
        ("names", {"x": "KEY"}),
    ),
    "functions": (
        ("identity", {"x": "list((function() {n <- 0; function() {n <<- n + 1; n}})())"}),
        ("identity", {"x": "{KEY::.val[[1]](); KEY::.val[[1]]()}"}),
        ("identity", {"x": "FIRST::.val[[1]]()"}),
    ),
    "one session used twice": (
        ("identity", {"x": "list(new.env())"}),
        ("identity", {"x": "{assign('a', 1, KEY::.val[[1]]); ls(KEY::.val[[1]])}"}),
        ("identity", {"x": "c(ls(FIRST::.val[[1]]), KEY::.val)"}),
    ),
    "plots and messages": (
        ("identity", {"x": "1:3"}),
        (
            "identity",
            {"x": "{plot(KEY::.val); message('m'); warning('w'); cat('text'); KEY::.val}"},
        ),
        ("identity", {"x": "KEY::.val + 1"}),
    ),
    "errors": (
        ("identity", {"x": "1:3"}),
        ("identity", {"x": "stop('no ', KEY::.val[1])"}),
        ("identity", {"x": "nosuch(FIRST::.val)"}),
    ),
    "random numbers": (
        ("identity", {"x": "{set.seed(1); runif(1)}"}),
        ("identity", {"x": "{set.seed(1); runif(1) == KEY::.val}"}),
        ("identity", {"x": "KEY"}),
    ),
    "packages": (
        ("identity", {"x": "MASS::fractions(0.5)"}),
        ("identity", {"x": "KEY"}),
        ("identity", {"x": "sort(grep('MASS', loadedNamespaces(), value = TRUE))"}),
    ),
    "classes": (
        ("identity", {"x": "structure(list(1), class = 'noquote')"}),
        ("identity", {"x": "KEY"}),
        ("class", {"x": "KEY"}),
    ),
    "connections": (
        ("identity", {"x": "{f <- file('a', 'w'); cat('x', file = f); nrow(showConnections())}"}),
        ("identity", {"x": "c(KEY::.val, nrow(showConnections()), length(list.files()))"}),
        ("identity", {"x": "c(KEY::.val, nchar(getwd()) > 0)"}),
    ),
}


def played(engine: Engine, chain: tuple[tuple[str, dict[str, str]], ...]) -> list[object]:
    """What a client sees of each step."""
    seen: list[object] = []
    keys: list[str] = []
    for function, arguments in chain:
        given = {
            name: text.replace("KEY", keys[-1] if keys else "").replace(
                "FIRST", keys[0] if keys else ""
            )
            for name, text in arguments.items()
        }
        evaluation = engine.call(function, package="base", outputs=("print", "json"), **given)
        keys.append(engine.last)
        manifest = engine.sessions.open(engine.last).manifest

        def told(text: object) -> str:
            said = str(text)
            for number, key in enumerate(keys):
                said = said.replace(key, f"key{number}")
            return re.sub("0x[0-9a-f]{6,}", "address", said)

        bodies = {name: body.content for name, body in evaluation.bodies.items()}
        seen += [evaluation.ok, told(evaluation.error), told(evaluation.listing), told(bodies)]
        seen += [told(manifest.texts), manifest.graphics, manifest.objects]
    return seen


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_answers_are_the_same_with_and_without(
    engine: Engine, stored: Engine, chain: tuple[tuple[str, dict[str, str]], ...]
) -> None:
    assert played(engine, chain) == played(stored, chain)


def test_killed_session_is_read_from_its_folder(engine: Engine) -> None:
    key = begin(engine)
    wait_until(lambda: key in live_keys(engine))
    os.kill(pid_of(engine, key), signal.SIGKILL)
    assert engine.call("nrow", package="base", x=key).bodies["json"].content == b"[3]\n"


def test_stopped_session_is_read_from_its_folder(engine: Engine) -> None:
    key = begin(engine)
    wait_until(lambda: key in live_keys(engine))
    os.kill(pid_of(engine, key), signal.SIGSTOP)
    assert engine.call("nrow", package="base", x=key).bodies["json"].content == b"[3]\n"
    wait_until(lambda: key not in live_keys(engine))


def test_session_of_old_models_does_not_stay(tmp_path: Path) -> None:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text("version <- function(x = 0) 1\n")
    engine = Engine(tmp_path, tmp_path / "project")
    try:
        assert engine.json("version") == [1]
        key = engine.last
        wait_until(lambda: key in live_keys(engine))
        model.write_text("version <- function(x = 0) 2\n")
        wait_until(lambda: engine.json("version", x=key) == [2])
        assert key not in live_keys(engine)
    finally:
        engine.close()


def test_chains_outlive_the_replacement_of_their_models(tmp_path: Path) -> None:
    model = tmp_path / "project" / "models" / "m.R"
    model.parent.mkdir(parents=True)
    model.write_text("version <- function(x = 0) 0\n")
    engine = Engine(tmp_path, tmp_path / "project", spares=1)
    stop = threading.Event()

    def chain() -> list[object]:
        seen = []
        while not stop.is_set():
            seen.append(engine.json("version"))
            seen.append(engine.json("version", x=engine.last))
        return seen

    try:
        with ThreadPoolExecutor(3) as threads:
            chains = [threads.submit(chain) for _ in range(3)]
            for number in range(1, 4):
                model.write_text(f"version <- function(x = 0) {number}\n")
                wait_until(lambda wanted=number: engine.json("version") == [wanted])
            stop.set()
            for one in chains:
                assert all(answer in [[number] for number in range(4)] for answer in one.result())
    finally:
        stop.set()
        engine.close()


@pytest.mark.parametrize(
    ("attack", "is_refused"),
    [
        ("tools::pskill({pid}, 9L)", lambda answer: answer == b"[false]\n"),
        ("readLines('/proc/{pid}/maps', 1)", lambda answer: answer is None),
        ("file.create('{home}/planted')", lambda answer: answer == b"[false]\n"),
        ("unlink('{home}', recursive = TRUE)", lambda answer: answer is not None),
    ],
)
def test_step_cannot_harm_the_session_it_was_forked_from(
    engine: Engine, attack: str, is_refused: Callable[[bytes | None], bool]
) -> None:
    key = begin(engine)
    wait_until(lambda: key in live_keys(engine))
    pid = pid_of(engine, key)
    (home,) = (engine.state / "work").glob(f"*-{pid}")
    code = attack.format(pid=pid, home=home)
    evaluation = engine.call(
        "identity", package="base", x=f"{{{key}::.val; suppressWarnings({code})}}"
    )
    assert is_refused(evaluation.bodies["json"].content if evaluation.ok else None)
    before = served(engine)
    assert engine.call("nrow", package="base", x=key).bodies["json"].content == b"[3]\n"
    assert served(engine) == before + 1
    assert not (home / "planted").exists()
