"""Any role is killed at any moment of a run, fifty times: no answer is lost, wrong or made twice.

KILL_SEED gives a seed again that failed; KILLS makes it longer.
"""

import os
import random
import time
from collections import Counter
from pathlib import Path

import inventory
import pytest
from inventory import Inventory
from kitchen import HOUR_S
from serving import wait_until
from steady import CELLS, KILLED, ROWS, SIZES, Steady, Stored

from bench.project import open_jobs
from bench.roles import of_state
from cache.sweep import LEFTOVER_AFTER_S, Sweep
from jobs.status import Cause

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("KILLS", "50"))
SEED = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(10**6))
SOON_S, LATE_S = 0.4, 12.0
"""The longest between two kills where the next does not wait for work, and where it does."""
OVER_WITHIN_S = 600.0


def test_fifty_kills_at_random_moments_leave_every_answer_as_it_should_be(tmp_path: Path) -> None:
    print(f"KILL_SEED={SEED}")
    steady = Steady(tmp_path)
    try:
        steady.server.start()
        before = inventory.take_at_rest(steady.server)
        with steady.run_by_an_operator():
            wait_until(lambda: steady.share() > 0)
            seen = kill(steady)
            wait_until(steady.are_over, OVER_WITHIN_S)
        assert_closed_once(steady)
        assert_every_answer_is_right(steady)
        kept = steady.stored()
        assert {key: made for key, made in seen.items() if kept[key] != made} == {}
        assert_nothing_is_left_to_do(steady)
        assert_nothing_is_left(steady, before)
    finally:
        steady.server.stop()
    wait_until(lambda: not of_state(steady.state))


def kill(steady: Steady) -> Stored:
    """Kills at random moments, all of them before a job is done; returns what it saw stored.

    Every other comes while the server may still recover from the last, the rest after some work.
    """
    dice = random.Random(SEED)
    killed: Counter[str] = Counter()
    seen: Stored = {}
    for number in range(1, KILLS + 1):
        after_work = dice.random() < 1 / 2
        latest = time.monotonic() + (LATE_S if after_work else dice.uniform(0, SOON_S))
        until = min(steady.share() + dice.uniform(0, 2) / KILLS, number / (KILLS + 1))
        while time.monotonic() < latest and steady.share() < until:
            time.sleep(0.02)
        assert not steady.are_over()
        seen = steady.stored() | seen
        killed[steady.kill_one(dice)] += 1
    print(f"killed: {dict(killed)}")
    assert set(killed) == set(KILLED) or KILLS < 50
    return seen


def assert_closed_once(steady: Steady) -> None:
    """Each job has one run; it succeeded, and its last attempt made good what was missing."""
    runs = steady.runs()
    print(*(dict(run) for run in runs), sep="\n")
    assert {run["job"]: run["status"] for run in runs} == dict.fromkeys(SIZES, "succeeded")
    assert len(runs) == len(SIZES)
    for run in runs:
        assert run["computed"] + run["fresh"] == SIZES[str(run["job"])]
        assert run["computed"] < SIZES[str(run["job"])]
        assert (run["failed"], run["error"]) == (0, None)


def assert_every_answer_is_right(steady: Steady) -> None:
    wait_until(lambda: inventory.is_ready(steady.server))
    with steady.server.client() as client:
        cells = client.get("/v1/results/products/table").json()
        rows = client.get("/v1/results/halves/table").json()
    assert len(cells) == len(CELLS)
    assert {(cell["x"], cell["y"]): cell["value"] for cell in cells} == CELLS
    assert len(rows) == len(ROWS)
    assert {row["id"]: row["half"] for row in rows} == ROWS


def assert_nothing_is_left_to_do(steady: Steady) -> None:
    """Of each cell and row there is one answer, and it counts as current."""
    with open_jobs(steady.project) as jobs:
        for name, size in SIZES.items():
            run = jobs.runner.run(jobs.job(name), Cause.MANUAL)
            assert (run.computed, run.fresh) == (0, size)
    assert {made for (job, _), made in steady.stored().items() if job == "products"} <= (
        steady.sessions()
    )


def assert_nothing_is_left(steady: Steady, before: Inventory) -> None:
    """What killed processes had under way goes with a sweep, a day later."""

    def is_whole() -> bool:
        now = inventory.take(steady.server)
        return (now.processes, now.folders["work"]) == (before.processes, before.folders["work"])

    wait_until(is_whole, inventory.SETTLE_S)
    day_ago = time.time() - LEFTOVER_AFTER_S - 1
    for stage in (steady.state / "sessions" / ".staging").iterdir():
        os.utime(stage, (day_ago, day_ago))
    with open_jobs(steady.project) as jobs:
        pantry = jobs.runner._pantry
        Sweep(pantry.store, pantry.sessions, HOUR_S).run(pantry.clock())
    assert inventory.take(steady.server).folders == before.folders
