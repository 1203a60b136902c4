"""An on-demand call beside Rscript for each call, and beside the same evaluation in a warm R."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from bench.figures import Figure, at_most, ratios
from bench.server import Server, ask
from bench.warm_r import WarmR, warm_r

CALL = "/ocpu/library/stats/R/rnorm/json"
RSCRIPT = ("Rscript", "-e", "jsonlite::toJSON(rnorm(3), pretty = TRUE, digits = 4)")
CLIENTS = 4
CALLS_A_ROUND = 8


def measure(
    server: Server, folder: Path, *, rounds: int, repetitions: int, seconds: float
) -> Iterator[Figure]:
    with warm_r(folder / "warm_r") as r:
        yield from _latency(server, r, rounds)
    yield _throughput(server, repetitions, seconds)


def _latency(server: Server, r: WarmR, rounds: int) -> Iterator[Figure]:
    """One client; everything in turn, a few calls at a time."""
    connection = server.connect()
    took: dict[str, list[float]] = {"larder": [], "Rscript": [], "evaluate": [], "bare": []}
    took["fork"] = []
    for _ in range(rounds):
        ours = [_timed(lambda: ask(connection, CALL, "n=3")) for _ in range(CALLS_A_ROUND)]
        took["larder"].append(median(ours))
        took["Rscript"].append(_timed(_run_rscript))
        for kind in ("fork", "evaluate", "bare"):
            took[kind].append(median(r.time(kind, CALLS_A_ROUND)))
    connection.close()
    beside = {
        "Rscript": "Rscript, a process a call",
        "fork": "warm R, same evaluation, one fork",
        "evaluate": "warm R, same evaluation, no fork",
        "bare": "warm R, bare toJSON(rnorm(3))",
    }
    for kind, words in beside.items():
        yield Figure(
            "rnorm on demand, 1 client: p50",
            _ms(median(took["larder"])),
            f"{words} {_ms(median(took[kind]))}",
            ratios(took["larder"], took[kind]),
            at_most(2) if kind == "fork" else None,
        )


def _throughput(server: Server, repetitions: int, seconds: float) -> Figure:
    ours, theirs = [], []
    for _ in range(repetitions):
        connections = [server.connect() for _ in range(CLIENTS)]
        calls = [partial(ask, one, CALL, "n=3") for one in connections]
        ours.append(_per_s(calls, seconds))
        for one in connections:
            one.close()
        theirs.append(_per_s([_run_rscript] * CLIENTS, seconds))
    return Figure(
        f"rnorm on demand, {CLIENTS} clients: calls per second",
        f"{median(ours):.0f}",
        f"Rscript, {CLIENTS} at a time {median(theirs):.1f}",
        ratios(ours, theirs),
    )


def _per_s(calls: Sequence[Callable[[], object]], seconds: float) -> float:
    """How many calls a second so many clients get answered."""
    started = time.perf_counter()

    def repeat(call: Callable[[], object]) -> int:
        done = 0
        while time.perf_counter() < started + seconds:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(len(calls)) as threads:
        done = sum(threads.map(repeat, calls))
    return done / (time.perf_counter() - started)


def _run_rscript() -> None:
    subprocess.run(RSCRIPT, check=True, capture_output=True, timeout=60)


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2g} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
