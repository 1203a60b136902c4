"""Rows of a rows job beside one R call over the whole table, its answers written to SQLite."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.cost import Cost, cost_of_run, cost_of_script
from bench.figures import Figure, at_least, at_most, ratios
from bench.processes import cores
from bench.project import Jobs
from bench.server import Server

JOB = "diamond_prices"
GOAL_BYTES = 50e6 / 1e6
"""50 MB for a million rows of three columns."""


def measure(server: Server, jobs: Jobs, folder: Path, *, repetitions: int) -> Iterator[Figure]:
    ours, theirs = [], []
    count = 0
    for number in range(repetitions):
        count, cost = cost_of_run(server, jobs, JOB)
        ours.append(cost)
        theirs.append(_plain(server.project, folder / f"rows{number}", count))
    beside = "one R call, then SQLite"
    wall = [[count / cost.wall_s for cost in costs] for costs in (ours, theirs)]
    cpu = [[count / cost.cpu_s for cost in costs] for costs in (ours, theirs)]
    yield Figure(
        f"{count:,} rows: rows per second ({len(cores())} cores)",
        f"{median(wall[0]):,.0f}",
        f"{beside} (1 core) {median(wall[1]):,.0f}",
        ratios(*wall),
        at_least(0.8),
    )
    yield Figure(
        f"{count:,} rows: rows per second of CPU",
        f"{median(cpu[0]):,.0f}",
        f"{beside} {median(cpu[1]):,.0f}",
        ratios(*cpu),
    )
    size = sum(path.stat().st_size for path in (server.project / ".larder/rows").glob(f"{JOB}.db"))
    yield Figure(
        f"{count:,} rows: disk, a row",
        f"{size / count:.0f} B",
        f"goal's {GOAL_BYTES:.0f} B",
        (size / count / GOAL_BYTES,),
        at_most(1),
    )


def _plain(project: Path, out: Path, count: int) -> Cost:
    """R reads the table and calls the model once; Python then keeps the numbers that it got."""
    cost = cost_of_script("rows.R", project, out)
    numbers = array("d", out.read_bytes())
    keys = [int(number) for number in numbers[:count]]
    columns = [numbers[start : start + count].tolist() for start in (count, 2 * count, 3 * count)]
    started, cpu = time.perf_counter(), time.process_time()
    connection = sqlite3.connect(out.with_suffix(".db"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE prices (id INTEGER PRIMARY KEY, predicted_price REAL, lower REAL, upper REAL)"
    )
    with connection:
        connection.executemany(
            "INSERT INTO prices VALUES (?, ?, ?, ?)", zip(keys, *columns, strict=True)
        )
    connection.close()
    return cost + Cost(time.perf_counter() - started, time.process_time() - cpu)
