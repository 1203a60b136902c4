"""Cells of a grid job beside a plain R loop over the same cells."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.cost import Cost, cost_of_run, cost_of_script
from bench.figures import Figure, at_least, ratios
from bench.processes import cores
from bench.project import Jobs
from bench.server import Server

JOB = "weight_gain"
KINDS = {"files": "same JSON, CSV, PNG as files", "values": "values only"}


def measure(server: Server, jobs: Jobs, folder: Path, *, repetitions: int) -> Iterator[Figure]:
    path = folder / "cells.csv"
    count = _write_cells(jobs, path)
    ours: list[Cost] = []
    theirs: dict[str, list[Cost]] = {kind: [] for kind in KINDS}
    for _ in range(repetitions):
        computed, cost = cost_of_run(server, jobs, JOB)
        assert computed == count
        ours.append(cost)
        for kind, costs in theirs.items():
            costs.append(cost_of_script("drawn_cells.R", server.project, path, kind))
    for kind, words in KINDS.items():
        yield _figure(
            f"{count} cells that draw: cells per second of CPU",
            [count / cost.cpu_s for cost in ours],
            [count / cost.cpu_s for cost in theirs[kind]],
            words,
        )
    workers = len(cores())
    yield _figure(
        f"{count} cells that draw: cells per second and core, {workers} cores busy",
        [count / cost.wall_s / workers for cost in ours],
        [count / cost.wall_s for cost in theirs["files"]],
        KINDS["files"],
    )


def _figure(what: str, ours: list[float], theirs: list[float], words: str) -> Figure:
    beside = f"Rscript loop, {words} {median(theirs):.0f}"
    goal = at_least(0.9)
    return Figure(what, f"{median(ours):.0f}", beside, ratios(ours, theirs), goal)


def _write_cells(jobs: Jobs, path: Path) -> int:
    cells = [cell.arguments for cell in jobs.job(JOB).cells()]
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["treatment", "prewt"])
        writer.writerows((one["treatment"], one["prewt"]) for one in cells)
    return len(cells)
