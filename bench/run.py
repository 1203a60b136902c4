"""Measures Larder beside other ways to the same answers: `script/bench`, or `-m bench.run`.

Every figure is a ratio within this run: absolute times say more of the machine than of Larder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import drawn_cells, engine, evaluator, flood, hit, jobs, promises, upload, walls
from bench.figures import Figure, table
from bench.processes import cores
from bench.project import MANY_CELLS, ROWS, Jobs, make_project, open_jobs
from bench.server import Server, serve

MEASUREMENTS = ("hit", "engine", "evaluator", "walls", "jobs", "promises", "upload", "flood")
NEEDED = {
    "hit": ("nginx", "wrk", "taskset"),
    "engine": ("Rscript",),
    "jobs": ("Rscript",),
    "promises": (),
    "upload": (),
    "walls": (),
    "flood": ("wrk", "taskset"),
}


@dataclass(frozen=True)
class Effort:
    """How often things are repeated, and how large they are."""

    hits: int
    rounds: int
    throughput: int
    runs: int
    rows: tuple[int, ...]
    grids: tuple[int, ...]
    clients_s: float
    uploads: int
    upload_mb: int


THOROUGH = Effort(
    hits=7,
    rounds=15,
    throughput=3,
    runs=5,
    rows=ROWS,
    grids=MANY_CELLS,
    clients_s=2.5,
    uploads=3,
    upload_mb=1024,
)
QUICK = Effort(
    hits=1,
    rounds=4,
    throughput=1,
    runs=1,
    rows=ROWS[:2],
    grids=MANY_CELLS[:2],
    clients_s=1.5,
    uploads=1,
    upload_mb=256,
)


def measure(names: list[str], effort: Effort, folder: Path) -> Iterator[Figure]:
    project = make_project(folder)
    with serve(project) as server, open_jobs(project) as opened:
        opened.run(drawn_cells.JOB)  # what hits need; not counted
        for name in names:
            yield from _measure(name, effort, server, opened, folder)


def _measure(
    name: str, effort: Effort, server: Server, opened: Jobs, folder: Path
) -> Iterator[Figure]:
    if name == "hit":
        yield from hit.measure(server, folder, repetitions=effort.hits)
    elif name == "engine":
        yield from engine.measure(
            server,
            folder,
            rounds=effort.rounds,
            repetitions=effort.throughput,
            seconds=effort.clients_s,
        )
    elif name == "evaluator":
        yield from evaluator.measure(folder, repetitions=effort.runs)
    elif name == "walls":
        yield from walls.measure(
            folder,
            rounds=effort.rounds,
            repetitions=effort.throughput,
            seconds=effort.clients_s,
        )
    elif name == "flood":
        yield from flood.measure(folder, repetitions=effort.runs, seconds=effort.clients_s)
    elif name == "promises":
        yield from promises.measure(server, folder, repetitions=effort.runs)
    elif name == "upload":
        yield from upload.measure(
            server, folder, size_mb=effort.upload_mb, repetitions=effort.uploads
        )
    else:
        yield from jobs.measure(
            server,
            opened,
            folder,
            repetitions=effort.runs,
            sizes=effort.rows,
            grids=effort.grids,
        )


def main() -> None:
    options = _options()
    names = options.only or list(MEASUREMENTS)
    _check_programs(names)
    effort = QUICK if options.quick else THOROUGH
    began, started = datetime.now(UTC), time.monotonic()
    figures = []
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        for figure in measure(names, effort, Path(name)):
            print(f"bench: {figure.what}: {figure.cells()[3]}", file=sys.stderr, flush=True)
            figures.append(figure)
    took_s = time.monotonic() - started
    where = (
        f"Python {platform.python_version()}, {len(cores())} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"\n{began:%Y-%m-%d %H:%M} UTC, {where}, {took_s:.0f} s\n\n{table(figures)}")
    if options.json is not None:
        found = [figure.for_programs() for figure in figures]
        document = {"began": began.isoformat(), "took_s": took_s, "where": where, "figures": found}
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions: some 40 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="may be repeated")
    return parser.parse_args()


def _check_programs(names: list[str]) -> None:
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    needed = {program for name in names for program in NEEDED.get(name, ("Rscript",))}
    missing = sorted(program for program in needed if shutil.which(program, path=path) is None)
    if missing:
        sys.exit(f"bench: {', '.join(missing)} missing; script/bench installs what it needs")


if __name__ == "__main__":
    main()
