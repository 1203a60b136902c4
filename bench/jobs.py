"""Runs of jobs: cells that draw, cheap cells, many of them, and rows, beside a plain Rscript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import cells, drawn_cells, many_cells, rows
from bench.figures import Figure
from bench.project import Jobs
from bench.server import Server


def measure(
    server: Server,
    jobs: Jobs,
    folder: Path,
    *,
    repetitions: int,
    sizes: tuple[int, ...],
    grids: tuple[int, ...],
) -> Iterator[Figure]:
    yield from drawn_cells.measure(server, jobs, folder, repetitions=repetitions)
    yield from cells.measure(server, jobs, folder, repetitions=repetitions)
    yield from many_cells.measure(server, sizes=grids)
    yield from rows.measure(server, folder, sizes=sizes)
