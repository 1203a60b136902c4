"""Grids of cheap cells without sessions, of three sizes: what they take of memory and disk.

`larder run` is a process of its own here. While it goes on, answers are read by key over HTTP.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.figures import Figure, at_most
from bench.processes import tree_cpu_s
from bench.project import ROOT
from bench.roles import by_role, pss
from bench.server import Server

LOOK_EACH_S = 0.25
MB = 1e6
RUN = "larder run"
OWN = "larder run, but for the store's file, of which SQLite maps up to 64 MiB"


@dataclass(frozen=True)
class Seen:
    """One run: what it computed and took, and what answers were there meanwhile.

    Attributes:
        run: What `larder run` printed.
        cpu_s: Of all processes that took part.
        peaks: The most memory of each role at a time, as PSS.
        hits: How many of the first cell's answers were there when asked for during the run.
        misses: How many were not.
    """

    run: dict[str, int]
    cpu_s: float
    peaks: Counter[str]
    hits: int
    misses: int


def measure(server: Server, *, sizes: tuple[int, ...]) -> Iterator[Figure]:
    smallest: Seen | None = None
    for size in sizes:
        before = _room(server)
        seen = _watched(server, f"bench_cells_{size}")
        assert seen.run["computed"] == size, seen.run
        room = (_room(server) - before) / size
        yield Figure(
            f"{size:,} cheap cells: cells per second of CPU, all of a new run",
            f"{size / seen.cpu_s:,.0f}",
            f"answers by key meanwhile {seen.hits + seen.misses}",
            (seen.hits / max(1, seen.hits + seen.misses),),
        )
        yield Figure(
            f"{size:,} cheap cells: disk, a cell",
            f"{room:,.0f} B",
            "a session alone 40,000 B",
            (room / 40_000,),
        )
        smallest = smallest or seen
        for role, peak in seen.peaks.items():
            goal = at_most(1.2) if role == OWN and seen is not smallest else None
            yield Figure(
                f"{size:,} cheap cells: most memory, {role}",
                f"{peak / MB:,.0f} MB",
                f"with {sizes[0]:,} cells {smallest.peaks[role] / MB:,.0f} MB",
                (peak / max(1, smallest.peaks[role]),),
                goal,
            )


def _watched(server: Server, job: str) -> Seen:
    """Runs a job anew, and looks at memory and at an answer all the time."""
    words = [sys.executable, "-m", "larder", "run", job, "--only", "all", "--json"]
    before, own_s, peaks = tree_cpu_s(server.pid), 0.0, Counter[str]()
    states = Counter[bool]()
    with subprocess.Popen(
        [*words, "--project", str(server.project)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        while process.poll() is None:
            roles = {**by_role(server.pid), RUN: [process.pid]}
            for role, pids in roles.items():
                peaks[role] = max(peaks[role], sum(map(pss, pids)))
            peaks[OWN] = max(peaks[OWN], pss(process.pid, "Pss_Anon"))
            states[_is_there(server, job)] += 1
            own_s = tree_cpu_s(process.pid) or own_s
            time.sleep(LOOK_EACH_S)
        assert process.returncode == 0, job
        assert process.stdout is not None
        run = orjson.loads(process.stdout.read())
    cpu_s = own_s + tree_cpu_s(server.pid) - before
    return Seen(run, cpu_s, +peaks, states[True], states[False])


def _is_there(server: Server, job: str) -> bool:
    """Whether the first cell's answer is there, which nothing is computed for."""
    connection = server.connect()
    try:
        headers = {"Cache-Control": "only-if-cached"}
        connection.request("GET", f"/v1/results/{job}?x=1&y=1", headers=headers)
        return connection.getresponse().status == http.client.OK
    finally:
        connection.close()


def _room(server: Server) -> int:
    """What the state folder takes of the disk."""
    state = Path(server.project) / ".larder"
    return sum(path.lstat().st_blocks * 512 for path in state.rglob("*") if path.is_file())
