"""Takeover: the leading scheduler is killed, or stopped, and another does what there is to do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, at_most
from bench.project import ROOT
from jobs.owner import Owner
from jobs.repository import Catalog
from jobs.status import Cause, RunStatus
from scheduler.lease import NAME
from scheduler.service import LEASE_S, RENEWALS

LOOK_EACH_S = 0.01
STANDS_BY = "check finished"
"""In the log of a scheduler that has started, whether it leads or waits."""
GIVE_UP_S = 60.0
FILES = {
    "larder.yaml": "name: pair\n",
    "models/models.R": "twice <- function(x) 2 * x\n",
    "jobs/jobs.yaml": "version: 1\njobs:\n  twice:\n    function: pair::twice\n"
    "    args: {x: {type: number}}\n    grid: {x: [1, 2]}\n    cache: {fresh_for: 1 ms}\n",
}
WAYS = {
    "killed": (signal.SIGKILL, 1.0),
    # As a machine that is gone: nobody can see that its process ended.
    "stopped": (signal.SIGSTOP, 1.25),
}
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Takeover:
    """Seconds until the other led, and until it had begun the run that somebody wanted."""

    led_s: float
    acted_s: float


def measure(folder: Path, *, repetitions: int) -> Iterator[Figure]:
    project = folder / "pair"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    with _role(project, "engine"):
        state = project / ".larder"
        _until((state / "engine.sock").exists)
        catalog = Catalog.in_file(state / "catalog.db")
        catalog.migrate()
        for way, (signal_number, most) in WAYS.items():
            took = [_takeover(project, catalog, signal_number) for _ in range(repetitions)]
            for what, seconds in (
                ("another leads", [one.led_s for one in took]),
                ("another begins a run", [one.acted_s for one in took]),
            ):
                yield Figure(
                    f"leading scheduler {way} ({repetitions} times): {what}, the slowest",
                    f"{max(seconds):.2f} s",
                    f"the lease's {LEASE_S:g} s",
                    tuple(one / LEASE_S for one in seconds),
                    at_most(most),
                )
        catalog.close()


def _takeover(project: Path, catalog: Catalog, signal_number: int) -> Takeover:
    with _role(project, "scheduler") as leading:
        _until(lambda: _leader(catalog) == leading.pid)
        with _role(project, "scheduler", log="standby.log") as other:
            _until(lambda: STANDS_BY in (project / "standby.log").read_text())
            time.sleep(2 * LEASE_S / RENEWALS)  # it has seen how the lease is renewed
            leading.send_signal(signal_number)
            began = time.perf_counter()
            run = catalog.queue_run("twice", Cause.MANUAL)
            _until(lambda: _leader(catalog) == other.pid)
            led_s = time.perf_counter() - began
            _until(lambda: catalog.run(run.id).status is not RunStatus.QUEUED)
            return Takeover(led_s, time.perf_counter() - began)


@contextmanager
def _role(project: Path, role: str, *, log: str = "log") -> Iterator[Process]:
    with (project / log).open("wb") as out:
        command = [sys.executable, "-m", "larder", role, str(project)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _leader(catalog: Catalog) -> int | None:
    lease = catalog.lease(NAME)
    owner = None if lease is None else Owner.parse(lease.holder)
    return None if owner is None else owner.pid


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(LOOK_EACH_S)
