"""Rows of a rows job, of tables of three sizes, beside one R call over each whole table.

`larder run` is a process of its own here, as the memory is looked at that it and the server take.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from pyarrow import csv, parquet

from bench.figures import Figure, at_least, at_most
from bench.processes import cores, descendants, tree_cpu_s
from bench.project import ROOT
from bench.roles import pss
from bench.server import Server

LOOK_EACH_S = 0.1
GOAL_BYTES = 50e6 / 1e6
"""50 MB for a million rows of three columns."""
MB = 1e6


@dataclass(frozen=True)
class Watched:
    """What a program printed and took: the most memory at a time, as PSS, of all its processes."""

    said: bytes
    wall_s: float
    cpu_s: float
    peak_bytes: int
    larger_bytes: int


def measure(server: Server, folder: Path, *, sizes: tuple[int, ...]) -> Iterator[Figure]:
    smallest: Watched | None = None
    for size in sizes:
        job = f"bench_rows_{size}"
        table = server.project / "data" / f"{job}.csv"
        _write_table(table, size)
        parquet.write_table(csv.read_csv(table), table.with_suffix(".parquet"))
        before = tree_cpu_s(server.pid)
        words = [sys.executable, "-m", "larder", "run", job, "--only", "all", "--json"]
        where = ["--project", str(server.project)]
        ours = _watched([*words, *where], server.pid)
        cpu_s = ours.cpu_s + tree_cpu_s(server.pid) - before
        run = orjson.loads(ours.said)
        assert run["computed"] == size, run
        out = folder / f"{job}.db"
        theirs = _watched(["Rscript", "--vanilla", str(ROOT / "bench/r/rows.R"), table, out])
        plain_s, plain_cpu_s = map(float, theirs.said.split()[-2:])
        beside = "one R call, then SQLite"
        yield Figure(
            f"{size:,} rows: rows per second ({len(cores())} cores)",
            f"{size / run['duration_s']:,.0f}",
            f"{beside} (1 core) {size / plain_s:,.0f}",
            (plain_s / run["duration_s"],),
            at_least(0.8),
        )
        yield Figure(
            f"{size:,} rows: rows per second of CPU",
            f"{size / cpu_s:,.0f}",
            f"{beside} {size / plain_cpu_s:,.0f}",
            (plain_cpu_s / cpu_s,),
        )
        yield Figure(
            f"{size:,} rows: most memory of larder run",
            f"{ours.peak_bytes / MB:.0f} MB",
            f"that Rscript {theirs.peak_bytes / MB:.0f} MB",
            (ours.peak_bytes / theirs.peak_bytes,),
        )
        smallest = smallest or ours
        if ours is not smallest:
            few = f"with {sizes[0]:,} rows"
            yield Figure(
                f"{size:,} rows: most memory of larder run",
                f"{ours.peak_bytes / MB:.0f} MB",
                f"{few} {smallest.peak_bytes / MB:.0f} MB",
                (ours.peak_bytes / smallest.peak_bytes,),
            )
            yield Figure(
                f"{size:,} rows: most memory of server and larder run",
                f"{ours.larger_bytes / MB:.0f} MB",
                f"{few} {smallest.larger_bytes / MB:.0f} MB",
                (ours.larger_bytes / smallest.larger_bytes,),
            )
        columns = _watched([*words[:4], f"{job}_parquet", *words[5:], *where], server.pid)
        yield Figure(
            f"{size:,} rows from Parquet: most memory of larder run",
            f"{columns.peak_bytes / MB:.0f} MB",
            f"from CSV {ours.peak_bytes / MB:.0f} MB",
            (columns.peak_bytes / ours.peak_bytes,),
        )
        room = (server.project / ".larder" / "rows" / f"{job}.db").stat().st_size / size
        yield Figure(
            f"{size:,} rows: disk, a row",
            f"{room:.0f} B",
            f"goal's {GOAL_BYTES:.0f} B",
            (room / GOAL_BYTES,),
            at_most(1),
        )


def _watched(command: list[str | Path], server: int | None = None) -> Watched:
    """Runs a program, and looks all the time at its memory, and at that of a server beside it."""
    began = time.perf_counter()
    cpu_s = peak = larger = 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            own = sum(map(pss, (process.pid, *descendants(process.pid))))
            beside = sum(map(pss, (server, *descendants(server)))) if server else 0
            peak, larger = max(peak, own), max(larger, own + beside)
            cpu_s = tree_cpu_s(process.pid) or cpu_s
            time.sleep(LOOK_EACH_S)
        assert process.returncode == 0, command
        assert process.stdout is not None
        said = process.stdout.read()
    return Watched(said, time.perf_counter() - began, cpu_s, int(peak), int(larger))


def _write_table(path: Path, size: int) -> None:
    with path.open("w") as out:
        out.write("id,carat,depth,cut\n")
        kinds = ("Fair", "Good", "Very Good", "Premium", "Ideal")
        for first in range(1, size + 1, 10_000):
            numbers = range(first, min(first + 10_000, size + 1))
            out.writelines(
                f"{n},{n % 401 / 100 + 0.2:.2f},{55 + n % 131 / 10:.1f},{kinds[n % 5]}\n"
                for n in numbers
            )
