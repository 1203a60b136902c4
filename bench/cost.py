"""Cost: what a piece of work took, by the clock and in CPU."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import tree_cpu_s
from bench.project import Jobs
from bench.server import Server

R_FOLDER = Path(__file__).parent / "r"
SETTLE_S = 0.5


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and seconds of CPU in all processes that took part."""

    wall_s: float
    cpu_s: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)


def cost_of_run(server: Server, jobs: Jobs, name: str) -> tuple[int, Cost]:
    """Runs a job anew; how many cells or rows it computed, and its cost.

    CPU is that of this process, where the run goes on, and of the whole server, where R is; what
    the server does after the run to have R children ready again is counted too.
    """
    before, ours = tree_cpu_s(server.pid), time.process_time()
    started = time.perf_counter()
    run = jobs.run(name)
    wall_s = time.perf_counter() - started
    ours = time.process_time() - ours
    time.sleep(SETTLE_S)
    return run.computed, Cost(wall_s, ours + tree_cpu_s(server.pid) - before)


def cost_of_script(name: str, *arguments: str | Path) -> Cost:
    """Runs one of bench/r, which prints what it took."""
    command = ["Rscript", "--vanilla", str(R_FOLDER / name), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    wall_s, cpu_s = done.stdout.split()[-2:]
    return Cost(float(wall_s), float(cpu_s))
