"""Two schedulers on one project: the one that leads is killed, stopped and woken."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from serving import ROOT, wait_until

from cache.store import Store
from cache.tables import RowTable
from engine.errors import EngineUnavailable
from engine.pool import Pool
from jobs.owner import Owner
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import Cause, RunStatus
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
FED_JOBS = """
jobs:
  cells:
    function: pair::fed
    args: {from: {type: string}}
    grid: {from: [cells]}
    cache: {fresh_for: 1 ms}
  stock:
    function: pair::fed_rows
    rows: {from: {csv: data/stock.csv}, key: id, pass_as: newdata}
    cache: {fresh_for: 1 ms}
"""
FED_MODELS = """
folder <- normalizePath("data")
fed <- function(from) {
  feed <- file(file.path(folder, from), "r", raw = TRUE)
  on.exit(close(feed))
  readLines(feed, 1)
}
fed_rows <- function(newdata) data.frame(said = rep(fed("stock"), nrow(newdata)))
"""
MODELS = "twice <- function(x) 2 * x\nslow <- function(x) { Sys.sleep(0.2); x }\n"


class Pair:
    """An engine and the schedulers beside it, each a process of its own."""

    def __init__(self, project: Path, jobs: str = JOBS, models: str = MODELS) -> None:
        for name in ("jobs", "models"):
            (project / name).mkdir(parents=True)
        (project / "larder.yaml").write_text("name: pair\n")
        self.jobs = project / "jobs" / "jobs.yaml"
        self.jobs.write_text(jobs)
        (project / "models" / "models.R").write_text(models)
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


class Feeds:
    """Pipes that R reads: it is seen to wait for them, and hears what is said then."""

    def __init__(self, folder: Path, *names: str) -> None:
        folder.mkdir(parents=True)
        (folder / "stock.csv").write_text("id\n1\n2\n")
        self.paths = [folder / name for name in names]
        for path in self.paths:
            os.mkfifo(path)
        self.ends: list[int] = []

    def wait_for_readers(self) -> None:
        for path in self.paths:
            wait_until(lambda path=path: self._opened(path))

    def say(self, text: str) -> None:
        for end in self.ends:
            os.write(end, f"{text}\n".encode())
            os.close(end)
        self.ends.clear()

    def _opened(self, path: Path) -> bool:
        with suppress(OSError):  # nobody reads it yet
            self.ends.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            return True
        return False


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


@pytest.fixture
def fed(tmp_path: Path) -> Iterator[tuple[Pair, Feeds]]:
    feeds = Feeds(tmp_path / "pair" / "data", "cells", "stock")
    pair = Pair(tmp_path / "pair", FED_JOBS, FED_MODELS)
    yield pair, feeds
    pair.close()


def test_leader_that_wakes_up_keeps_no_answer_over_a_newer_one(fed: tuple[Pair, Feeds]) -> None:
    pair, feeds = fed
    names = ("cells", "stock")
    first = pair.start("scheduler")
    pair.wait_for_leader(first)
    old = [pair.catalog.queue_run(name, Cause.MANUAL) for name in names]
    feeds.wait_for_readers()
    second = pair.start("scheduler")
    os.kill(first, signal.SIGSTOP)
    feeds.say("old")
    pair.wait_for_leader(second)
    for run in old:
        pair.catalog.cancel_run(run.id, "the test said so")
        pair.catalog.queue_run(run.job, Cause.MANUAL)
    feeds.wait_for_readers()
    feeds.say("new")
    for name in names:
        wait_until(lambda name=name: len(pair.done(name)) == 1)

    os.kill(first, signal.SIGCONT)
    log = pair.project / "log"
    for run in old:
        wait_until(lambda run=run: f"run given up run={run.id}" in log.read_text(), 90)
    state = pair.project / ".larder"
    store, table = Store(state / "results"), RowTable(state / "rows" / "stock.db", key="id")
    (summary,) = store.summary("cells")
    entry = store.get(summary.cache_key)
    assert entry is not None
    assert entry.bodies["json"].content == b'["new"]\n'
    for key in (1, 2):
        row = table.get(key)
        assert row is not None
        assert row.values["said"] == "new"
    store.close()
    table.close()
