"""Cheap cells of a grid job that keeps no sessions, beside a plain R loop that writes to SQLite.

And beside the same cells with their sessions, and with a process each.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.cost import cost_of_run, cost_of_script
from bench.figures import Figure, at_least, ratios
from bench.processes import cores
from bench.project import CHEAP_CELLS, Jobs
from bench.server import Server

BESIDE = "Rscript loop, then SQLite"


def measure(server: Server, jobs: Jobs, folder: Path, *, repetitions: int) -> Iterator[Figure]:
    ours, theirs, kept, apart = [], [], [], []
    for number in range(repetitions):
        count, cost = cost_of_run(server, jobs, "bench_cells")
        assert count == CHEAP_CELLS
        ours.append(cost)
        with_session, cost = cost_of_run(server, jobs, "bench_cells_kept")
        kept.append(with_session / cost.cpu_s)
        alone, cost = cost_of_run(server, jobs, "bench_cells_apart")
        apart.append(alone / cost.cpu_s)
        out = folder / f"cells{number}.db"
        theirs.append(cost_of_script("cells.R", server.project, str(count), out))
    workers = len(cores())
    per_cpu = [CHEAP_CELLS / cost.cpu_s for cost in ours]
    plain = [CHEAP_CELLS / cost.cpu_s for cost in theirs]
    yield Figure(
        f"{CHEAP_CELLS:,} cheap cells: cells per second of CPU",
        f"{median(per_cpu):,.0f}",
        f"{BESIDE} {median(plain):,.0f}",
        ratios(per_cpu, plain),
        at_least(0.9),
    )
    by_clock = [CHEAP_CELLS / cost.wall_s / workers for cost in ours]
    plain = [CHEAP_CELLS / cost.wall_s for cost in theirs]
    yield Figure(
        f"{CHEAP_CELLS:,} cheap cells: cells per second and core, {workers} cores busy",
        f"{median(by_clock):,.0f}",
        f"{BESIDE} {median(plain):,.0f}",
        ratios(by_clock, plain),
        at_least(0.9),
    )
    yield Figure(
        "cheap cells: cells per second of CPU, sessions: none",
        f"{median(per_cpu):,.0f}",
        f"sessions: keep {median(kept):.0f}",
        ratios(per_cpu, kept),
    )
    yield Figure(
        "cheap cells with sessions: cells per second of CPU, isolation: batch",
        f"{median(kept):.0f}",
        f"isolation: cell {median(apart):.0f}",
        ratios(kept, apart),
    )
