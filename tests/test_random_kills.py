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
from serving import wait_until
from steady import CELLS, KILLED, ROWS, SIZES, Steady, Stored

from bench.project import open_jobs
from bench.roles import of_state
from jobs.status import Cause

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("KILLS", "50"))
SEED = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(10**6))
MOST_S = 1.5
"""The longest between two kills."""
OVER_WITHIN_S = 180.0


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
        now = inventory.take_when_like(steady.server, before)
        assert (now.processes, now.folders) == (before.processes, before.folders)
    finally:
        steady.server.stop()
    wait_until(lambda: not of_state(steady.state))


def kill(steady: Steady) -> Stored:
    """Kills at random moments, all of them before a job is done; returns what it saw stored."""
    dice = random.Random(SEED)
    killed: Counter[str] = Counter()
    seen: Stored = {}
    for number in range(1, KILLS + 1):
        latest = time.monotonic() + dice.uniform(0, MOST_S)
        while time.monotonic() < latest and steady.share() < number / (KILLS + 1):
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
    assert {one["state"] for one in (*cells, *rows)} == {"fresh"}


def assert_nothing_is_left_to_do(steady: Steady) -> None:
    """Of each cell and row there is one answer, and it counts as current."""
    with open_jobs(steady.project) as jobs:
        for name, size in SIZES.items():
            run = jobs.runner.run(jobs.job(name), Cause.MANUAL)
            assert (run.computed, run.fresh) == (0, size)
    assert {made for (job, _), made in steady.stored().items() if job == "products"} <= (
        steady.sessions()
    )
