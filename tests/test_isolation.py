"""Cells that share a process: what one does to R is not there for the next."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from engines import TRAITS, Engine
from serving import wait_until

from bench.processes import parent_of
from engine.call import Argument, FunctionCall, Output
from engine.errors import EngineError, LimitReached
from engine.evaluation import Evaluation
from engine.limits import Limits

pytestmark = pytest.mark.r

PID = "Sys.getpid()"


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that R may look into."""
    return tmp_path_factory.mktemp("gates")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, gates: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS, reads=[str(gates)])
    yield engine
    engine.close()


def outcomes(
    engine: Engine,
    codes: Sequence[str],
    limits: Limits | None = None,
    outputs: Sequence[str] = ("json",),
) -> list[Evaluation | EngineError]:
    """What becomes of each code, sent as the cells of one batch."""
    calls = [
        (
            FunctionCall("base", "eval", (Argument("expr", "code", code),)),
            engine.sessions.stage().path,
        )
        for code in codes
    ]
    found = engine.pool.evaluate_many(
        calls, limits=limits or Limits(), outputs=[Output(name, name) for name in outputs]
    )
    return [outcome for _, outcome in found]


def values(engine: Engine, *codes: str) -> list[object]:
    found = []
    for outcome in outcomes(engine, codes):
        assert isinstance(outcome, Evaluation), outcome
        assert outcome.ok, outcome.error
        found.append(orjson.loads(outcome.bodies["json"].content))
    return found


def test_quiet_cells_share_a_process(engine: Engine) -> None:
    pids = values(engine, *[PID] * 5)
    assert all(pid == pids[0] for pid in pids)


@pytest.mark.parametrize(
    ("before", "seen"),
    [
        ("assign('left', 7, globalenv())", "exists('left')"),
        (
            "options(digits = 3, left = 7)",
            "c(getOption('digits') == 3, !is.null(getOption('left')))",
        ),
        (
            "Sys.setenv(LEFT = 'here', LANG = 'xx')",
            "c(nzchar(Sys.getenv('LEFT')), Sys.getenv('LANG') == 'xx')",
        ),
        ("library(splines)", "'package:splines' %in% search()"),
        ("setwd(tempdir())", "getwd() == tempdir()"),
        (
            "cat('x', file = file.path(tempdir(), 'left'))",
            "file.exists(file.path(tempdir(), 'left'))",
        ),
        ("set.seed(1, 'Wichmann-Hill')", "RNGkind()[1] == 'Wichmann-Hill'"),
    ],
)
def test_next_cell_finds_r_as_the_first_did(engine: Engine, before: str, seen: str) -> None:
    first, _, after, pid = values(engine, PID, f"{{{before}; {seen}; 1}}", seen, PID)
    assert not any(after)  # type: ignore[call-overload]
    assert pid == first, "what is put back costs no process"


@pytest.mark.parametrize(
    "before",
    [
        "invisible(Sys.setlocale('LC_COLLATE', 'C'))",
        "Sys.umask('022')",
        "setHook(packageEvent('splines'), print)",
    ],
)
def test_what_cannot_be_put_back_ends_the_process(engine: Engine, before: str) -> None:
    first, _, pid = values(engine, PID, f"{{{before}; 1}}", PID)
    assert pid != first


def test_random_numbers_of_a_cell_are_its_own(engine: Engine) -> None:
    draws = values(
        engine, "{set.seed(1); runif(1)}", "runif(1)", "{set.seed(1); runif(1)}", "runif(1)"
    )
    assert draws[0] == draws[2]
    assert len({str(draw) for draw in draws}) == 3


def test_cell_that_ends_its_process_fails_alone(engine: Engine) -> None:
    dies = "tools::pskill(Sys.getpid(), 9L)"
    found = outcomes(engine, [PID, dies, "stop('no')", PID, dies, PID])
    assert [isinstance(one, Evaluation) and one.ok for one in found] == [
        *(True, False, False),
        *(True, False, True),
    ]


def test_cell_that_overruns_fails_alone(engine: Engine) -> None:
    found = outcomes(engine, [PID, "Sys.sleep(30)", PID], Limits(wall_s=1))
    assert [type(one) for one in found[::2]] == [Evaluation, Evaluation]
    assert isinstance(found[1], LimitReached)
    assert found[1].limit == "timeout"


def test_cell_without_memory_for_what_others_kept_gets_a_process_of_its_own(
    engine: Engine,
) -> None:
    codes = [f"{{assign('kept{n}', numeric(3e7), .ArgsEnv); 1}}" for n in range(4)]
    found = outcomes(engine, [*codes, PID], Limits(memory_bytes=800 * 2**20))
    assert all(isinstance(one, Evaluation) and one.ok for one in found)


class Gate:
    """A cell waits at it until it is opened, and shows that it does."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._open = folder / "open"
        self._open.unlink(missing_ok=True)
        waits = f"while (!file.exists('{self._open}')) Sys.sleep(0.02)"
        self.cell = f"{{ cat('waits'); {waits}; Sys.getpid() }}"

    def kill_who_waits(self, part: str) -> None:
        wait_until(self._is_waited_at)
        (call,) = self._engine.pool.under_way()
        os.kill(call["pid"] if part == "child" else parent_of(call["pid"]), signal.SIGKILL)
        self._open.touch()

    def _is_waited_at(self) -> bool:
        calls = self._engine.pool.under_way()
        told = [self._engine.pool.console(call["key"]) for call in calls if call["pid"]]
        return any(one is not None and b"waits" in one[0] for one in told)


@pytest.fixture
def gate(engine: Engine, gates: Path) -> Gate:
    return Gate(engine, gates)


@pytest.mark.parametrize("part", ["child", "parent"])
@pytest.mark.parametrize("before", [0, 2])
def test_process_killed_from_outside_costs_no_cell_but_the_one_that_began_it(
    engine: Engine, gate: Gate, part: str, before: int
) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(outcomes, engine, [*[PID] * before, gate.cell, PID, PID])
        gate.kill_who_waits(part)
        fine = [isinstance(one, Evaluation) and one.ok for one in found.result()]
    assert fine == [True] * before + [before > 0] + [True] * 2


def test_batch_whose_child_was_to_be_forked_as_the_parent_died_is_begun_anew(
    tmp_path: Path,
) -> None:
    engine = Engine(tmp_path, TRAITS, spares=0)
    parents = [one["pid"] for one in engine.pool.info()["templates"]]
    for pid in parents:
        os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(outcomes, engine, [PID, PID])
        wait_until(lambda: engine.pool.under_way() != [])
        for pid in parents:
            os.kill(pid, signal.SIGKILL)
        assert all(isinstance(one, Evaluation) and one.ok for one in found.result())
    engine.close()


def test_formats_whose_writers_leave_marks_are_there_for_every_cell(engine: Engine) -> None:
    found = outcomes(engine, ["1", "2", "3"], outputs=("md", "pb"))
    assert [set(one.bodies) for one in found if isinstance(one, Evaluation)] == [{"md", "pb"}] * 3


def test_package_that_needs_its_marks_works_in_the_next_cell_too(engine: Engine) -> None:
    code = "capture.output(pander::pander(1))[1]"
    one, other = values(engine, code, code)
    assert one == other
