"""Two schedulers on one project: the one that leads is killed, stopped and woken."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from serving import ROOT, wait_until

from engine.errors import EngineUnavailable
from engine.pool import Pool
from jobs.owner import Owner
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import RunStatus
from scheduler.lease import NAME

pytestmark = pytest.mark.server

PERIOD = timedelta(seconds=4)
JOBS = """
jobs:
  beat:
    function: pair::twice
    args: {x: {type: number}}
    grid: {x: [1]}
    schedule: {every: 4 seconds, missed: all, overlap: queue}
    cache: {fresh_for: 1 ms}
  report:
    function: pair::twice
    args: {x: {type: number}}
    grid: {x: [2]}
    schedule: {after: beat}
    cache: {fresh_for: 1 ms}
  long:
    function: pair::slow
    args: {x: {type: number}}
    grid: {x: {from: 1, to: 24}}
    schedule: at_start
"""
MODELS = "twice <- function(x) 2 * x\nslow <- function(x) { Sys.sleep(0.2); x }\n"


class Pair:
    """An engine and the schedulers beside it, each a process of its own."""

    def __init__(self, project: Path) -> None:
        for name in ("jobs", "models"):
            (project / name).mkdir(parents=True)
        (project / "larder.yaml").write_text("name: pair\n")
        self.jobs = project / "jobs" / "jobs.yaml"
        self.jobs.write_text(JOBS)
        (project / "models" / "models.R").write_text(MODELS)
        self.project = project
        self.started: list[subprocess.Popen[bytes]] = []
        self.start("engine")
        pool = Pool(project / ".larder" / "engine.sock")
        wait_until(lambda: _answers(pool))
        pool.close()
        self.catalog = Catalog.in_file(project / ".larder" / "catalog.db")
        self.catalog.migrate()

    def start(self, role: str) -> int:
        with (self.project / "log").open("ab") as log:
            command = [sys.executable, "-m", "larder", role, str(self.project)]
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self.started.append(process)
        return process.pid

    def leader(self) -> int | None:
        lease = self.catalog.lease(NAME)
        owner = None if lease is None else Owner.parse(lease.holder)
        return None if owner is None else owner.pid

    def wait_for_leader(self, *pids: int) -> int:
        wait_until(lambda: self.leader() in pids)
        found = self.leader()
        assert found is not None
        return found

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        next(process for process in self.started if process.pid == pid).wait(20)

    def done(self, job: str) -> list[Run]:
        return self.catalog.runs(job=job, status=[RunStatus.SUCCEEDED], limit=1000)

    def fired(self, schedule: str) -> list[datetime]:
        """For which times the schedule fired, as whoever led has written."""
        line = rf"fired schedule={re.escape(schedule)} .*?scheduled_for=(.+?) run="
        return list(
            map(datetime.fromisoformat, re.findall(line, (self.project / "log").read_text()))
        )

    def wait_for_more(self, job: str, runs: int) -> None:
        wanted = len(self.done(job)) + runs
        wait_until(lambda: len(self.done(job)) >= wanted)

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(20)
        self.catalog.close()


def _answers(pool: Pool) -> bool:
    try:
        return bool(pool.info()["version"])
    except EngineUnavailable:
        return False


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path / "pair")
    yield pair
    pair.close()


def test_leader_that_is_killed_or_stopped_is_replaced_and_no_fire_is_lost_or_doubled(
    pair: Pair,
) -> None:
    first = pair.start("scheduler")
    pair.wait_for_leader(first)
    second = pair.start("scheduler")
    wait_until(lambda: (run := pair.catalog.running("long")) is not None and run.computed > 0)
    pair.kill(first)
    pair.wait_for_leader(second)
    wait_until(lambda: len(pair.done("long")) == 1)
    (long,) = [run for run in pair.catalog.runs(job="long") if run.attempt > 1]
    assert (long.status, long.fresh > 0, long.done) == (RunStatus.SUCCEEDED, True, 24)

    third = pair.start("scheduler")
    pair.wait_for_more("report", 1)
    os.kill(second, signal.SIGSTOP)
    pair.wait_for_leader(third)
    pair.wait_for_more("beat", 2)
    os.kill(second, signal.SIGCONT)
    pair.wait_for_more("report", 2)
    assert pair.leader() == third
    assert "scheduler lost the lease" in (pair.project / "log").read_text()

    pair.jobs.write_text(JOBS.replace("every: 4 seconds", "every: 40 days"))
    wait_until(lambda: pair.catalog.schedule("beat#1").text.startswith("every 40 days"))
    wait_until(lambda: all(not run.open for run in pair.catalog.runs(limit=1000)))
    beats = sorted(run.scheduled_for for run in pair.done("beat") if run.scheduled_for)
    assert len(beats) == len(pair.catalog.runs(job="beat", limit=1000)) >= 5
    # On a slow machine the next time may come while a run waits still: that is then for both.
    fired = pair.fired("beat#1")
    assert len(fired) == len(set(fired))
    times = sorted({*fired, *beats})
    assert [later - earlier for earlier, later in pairwise(times)] == [PERIOD] * (len(times) - 1)
    answered = [run.scheduled_for for run in pair.done("report")]
    assert len(answered) == len(set(answered))
    ends = {run.finished_at for run in pair.done("beat")}
    assert ends.issuperset(answered)
    assert max(ends) in answered
