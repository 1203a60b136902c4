"""Jobs after others while the scheduler is killed at any moment: no run unanswered, none twice."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from serving import Server, wait_until

from bench.roles import by_role
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import DONE

pytestmark = pytest.mark.server

JOBS = """
jobs:
  gain:
    function: clinic::gain
    args: {x: {type: number}}
    grid: {x: [1, 2]}
    schedule: every 1 second
    cache: {fresh_for: 1 ms}
  report:
    function: clinic::gain
    args: {x: {type: number}}
    grid: {x: [3]}
    schedule: {after: gain}
    cache: {fresh_for: 1 ms}
"""
KILLS = 8


def runs(catalog: Catalog, job: str) -> list[Run]:
    return [run for run in catalog.runs(job=job, limit=1000) if run.status in DONE]


def test_killed_scheduler_loses_no_run_that_is_followed_and_doubles_none(tmp_path: Path) -> None:
    for folder in ("models", "jobs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "larder.yaml").write_text("name: clinic\n")
    (tmp_path / "models" / "m.R").write_text("gain <- function(x) 2 * x\n")
    jobs = tmp_path / "jobs" / "a.yaml"
    jobs.write_text(JOBS)
    moments = random.Random(5)
    with Server(tmp_path, workers=1) as server:
        assert server.process is not None
        catalog = Catalog.in_file(tmp_path / ".larder" / "catalog.db")
        for _ in range(KILLS):
            before = len(runs(catalog, "report"))
            wait_until(lambda before=before: len(runs(catalog, "report")) > before)
            time.sleep(moments.uniform(0, 1))
            (scheduler,) = by_role(server.process.pid)["scheduler"]
            os.kill(scheduler, signal.SIGKILL)
            wait_until(lambda old=scheduler: new_scheduler(server, old))
        jobs.write_text(JOBS.replace("schedule: every 1 second", "schedule: manual"))
        wait_until(lambda: all_answered(catalog))
        answered = [run.scheduled_for for run in catalog.runs(job="report", limit=1000)]
        gains = {run.finished_at for run in runs(catalog, "gain")}
        catalog.close()
    assert len(answered) == len(set(answered)) > KILLS
    assert gains.issuperset(answered)


def new_scheduler(server: Server, old: int) -> bool:
    assert server.process is not None
    return by_role(server.process.pid)["scheduler"] not in ([], [old])


def all_answered(catalog: Catalog) -> bool:
    """Whether the last run that is followed is answered, or one that came later is."""
    if not (reports := runs(catalog, "report")):
        return False
    last = max(run.finished_at for run in runs(catalog, "gain") if run.finished_at)
    return max(run.scheduled_for for run in reports if run.scheduled_for) == last
