"""Live reload: how long after a job file was saved what it says is live."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from bench.figures import Figure, at_most
from bench.server import Server

PROMISED_S = 2.0
ASK_EACH_S = 0.01
GIVE_UP_S = 60.0
JOB = """\
version: 1
jobs:
  bench_reload:
    function: scoring::gain
    args: {treatment: {values: [CBT, FT, Cont]}, prewt: {min: 60, max: 110}}
    grid: {treatment: all, prewt: [70]}
"""


def measure(server: Server, *, repetitions: int) -> Iterator[Figure]:
    """Adds a job and takes it away again, and asks until as many jobs are live."""
    path = server.project / "jobs" / "bench_reload.yaml"
    took_s = []
    for _ in range(repetitions):
        jobs = _live(server)
        took_s.append(_until_live(server, path, JOB, jobs + 1))
        took_s.append(_until_live(server, path, None, jobs))
    yield Figure(
        f"a saved job file is live ({len(took_s)} times): the slowest",
        f"{max(took_s):.2f} s",
        f"promised {PROMISED_S:g} s",
        tuple(one / PROMISED_S for one in took_s),
        at_most(1),
    )


def _until_live(server: Server, path: Path, text: str | None, jobs: int) -> float:
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    began = time.perf_counter()
    while _live(server) != jobs:
        assert time.perf_counter() - began < GIVE_UP_S, "it does not go live"
        time.sleep(ASK_EACH_S)
    return time.perf_counter() - began


def _live(server: Server) -> int:
    """How many jobs are live, as the server tells everybody."""
    connection = server.connect()
    connection.request("GET", "/v1/definitions")
    said = orjson.loads(connection.getresponse().read())
    connection.close()
    return int(said["jobs"])
