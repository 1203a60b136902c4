"""R code does not escape: whatever it tries is refused, and the next call is answered at once."""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from attacks import (
    DEATHS,
    ENDLESS,
    EXHAUSTION,
    FORGED,
    KERNEL,
    NETWORK,
    PROCESSES,
    READING,
    TAMPERING,
    WRITING,
    Attack,
)
from fortress import MODES, SECRET, Fortress, fortress, listeners
from serving import wait_until

from engine.errors import EvaluationTimeout, ProcessLimit, WorkerDied
from engine.limits import Limits

pytestmark = pytest.mark.r

AT_ONCE_S = 5.0  # a hundred times what it takes on a machine with nothing else to do
GROUPS = {
    "reading": READING,
    "writing": WRITING,
    "network": NETWORK,
    "processes": PROCESSES,
    "kernel": KERNEL,
    "exhaustion": EXHAUSTION,
    "tampering": TAMPERING,
}
ATTACKS = {
    f"{group}-{attack.name}": attack for group, attacks in GROUPS.items() for attack in attacks
}


@dataclass(frozen=True)
class Outcome:
    """What an attack came to, and whether the call after it was answered at once."""

    said: str
    answered: bool


Place = tuple[Fortress, dict[str, object]]


@pytest.fixture(scope="module", params=MODES, ids=str)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A fortress, and what the words of attacks stand for there."""
    with fortress(request.param) as fort, listeners(fort.outside) as reachable:
        key = fort.other.name
        words = {
            **reachable,
            "outside": fort.outside,
            "state": fort.state,
            "project": fort.project,
            "other": fort.other,
            "sessions": fort.other.parent,
            "key_begins": key[:8],
            "key_ends": key[8:],
            "broker": fort.process.pid,
            "base": fort.parents[0],
            "parent": fort.parents[1],
            "group": os.getpgid(fort.process.pid),
        }
        yield fort, words


def aimed(code: str, words: dict[str, object]) -> str:
    return re.sub(r"<(\w+)>", lambda found: str(words[found[1]]), code)


def answers_at_once(fort: Fortress) -> bool:
    began = time.monotonic()
    said = fort.attempt('paste(1 + 1, "é", getwd() == tempdir())', seconds=AT_ONCE_S)
    return said == "done: 2 é FALSE" and time.monotonic() - began < AT_ONCE_S


@pytest.fixture(scope="module")
def outcomes(place: Place) -> dict[str, Outcome]:
    """What came of every attack on this fortress, three at a time."""
    fort, words = place
    before = fort.treasure()

    def tried(case: str) -> Outcome:
        attack = ATTACKS[case]
        said = fort.attempt(aimed(attack.code, words), limits=attack.limits)
        return Outcome(said, answers_at_once(fort))

    cases = [case for case in ATTACKS if case.partition("-")[0] in fort.mode.holds]
    with ThreadPoolExecutor(3) as threads:
        outcomes = dict(zip(cases, threads.map(tried, cases), strict=True))
    after = fort.treasure() if "writing" in fort.mode.holds else before
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    return outcomes | {"treasure": Outcome(" ".join(changed), answered=True)}


@pytest.mark.parametrize("case", ATTACKS)
def test_attack_is_refused_and_the_next_call_answered(
    place: Place, outcomes: dict[str, Outcome], case: str
) -> None:
    fort, _ = place
    if case not in outcomes:
        assert fort.info["walls"]["missing"]  # the host cannot refuse this, and says so
        return
    assert re.search(ATTACKS[case].seen, outcomes[case].said)
    assert SECRET not in outcomes[case].said
    assert outcomes[case].answered


def test_no_attack_changed_anything(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["treasure"].said == ""


@pytest.mark.parametrize("attack", DEATHS, ids=lambda attack: attack.name)
def test_death_of_r_is_told_to_its_caller_alone(place: Place, attack: Attack) -> None:
    fort, _ = place
    with pytest.raises(WorkerDied, match=attack.seen):
        fort.evaluate(attack.code)
    assert answers_at_once(fort)


@pytest.mark.parametrize("forged", FORGED)
def test_forged_answer_costs_its_own_caller_alone(place: Place, forged: str) -> None:
    fort, _ = place
    code = ", ".join(map(str, FORGED[forged]))
    with pytest.raises(WorkerDied):
        fort.evaluate(f"{{b <- as.raw(c({code})); weapon('forge', b, length(b))}}")
    assert answers_at_once(fort)


def test_endless_code_is_ended_with_all_that_it_started(place: Place) -> None:
    fort, _ = place

    def tried(code: str) -> str:
        with pytest.raises(EvaluationTimeout):
            fort.evaluate(code, seconds=1)
        return "ended"

    with ThreadPoolExecutor(len(ENDLESS)) as threads:
        assert set(threads.map(tried, ENDLESS)) == {"ended"}
    assert answers_at_once(fort)
    wait_until(lambda: not any("while :" in command for command in fort.descendants))


def test_daemons_end_with_their_call(place: Place) -> None:
    fort, _ = place
    daemons = "(sleep 771231 &); nohup sleep 771231 & setsid sleep 771231 &"
    assert fort.attempt(f"system('{daemons}')").startswith("done")
    assert answers_at_once(fort)
    wait_until(lambda: "sleep 771231" not in everything_that_runs())


def test_fork_bomb_harms_no_neighbour(place: Place) -> None:
    fort, _ = place
    if fort.mode.lacks == "capabilities":
        # The kernel does not count the processes of root: the host says so.
        assert any("how many processes" in lack for lack in fort.info["walls"]["missing"])
        return
    neighbour = "{for (i in 1:20) {shell('true'); Sys.sleep(0.05)}; 'unharmed'}"
    few = replace(Limits(), processes=60)
    with ThreadPoolExecutor(2) as threads:
        beside = threads.submit(fort.attempt, neighbour)
        with pytest.raises((EvaluationTimeout, ProcessLimit)):
            fort.evaluate("shell('b() { b | b & }; b; sleep 9')", limits=few, seconds=1.5)
        if "namespaces" not in fort.mode.lacks:  # else the host counts all of a user's as one
            assert beside.result() == "done: unharmed"
    assert answers_at_once(fort)
    wait_until(lambda: len(fort.descendants) <= fort.usual + 2)


def test_session_that_a_call_names_can_be_read_and_not_written(place: Place) -> None:
    fort, words = place
    assert fort.attempt(f"{fort.other.name}::.val") == f"done: {SECRET}"
    if "writing" in fort.mode.holds:
        written = aimed('cat("x", file = "<other>/.RData")', words)
        assert fort.attempt(written).startswith("refused")


def test_live_session_of_another_call_is_out_of_reach(place: Place) -> None:
    fort, _ = place
    fort.attempt("1")
    pid = fort.pool.info()["live"][-1]["pid"]
    tried = [
        *(f"tools::pskill({pid}, 9L)", f"kernel('ptrace', 16, {pid}, 0, 0)"),
        *(f"weapon('steal', {pid}L)", f"kernel('prlimit64', {pid}, 0, '&', 0)"),
    ]
    if "reading" in fort.mode.holds:
        tried.append(f"readBin('/proc/{pid}/mem', raw(), 1)")
    for code in tried:
        assert re.match("refused|done: FALSE", fort.attempt(code))
    assert pid in {one["pid"] for one in fort.pool.info()["live"]}


def test_nothing_is_left_of_all_this(place: Place) -> None:
    fort, _ = place
    wait_until(lambda: len(fort.descendants) <= fort.usual)
    wait_until(lambda: len(list((fort.state / "work").glob("[0-9]*"))) <= fort.usual)
    if "writing" in fort.mode.holds:  # else a call that forged its end can make its folder anew
        assert not list((fort.state / "sessions" / ".staging").iterdir())


def everything_that_runs() -> str:
    said = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            said.append(process.read_bytes().decode(errors="replace").replace("\0", " "))
    return "\n".join(said)
