"""An on-demand call beside Rscript for each call, and beside the same evaluation in a warm R."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

from bench import opencpu
from bench.figures import Figure, at_least, at_most, milliseconds, ratios
from bench.server import Server, ask
from bench.warm_r import WarmR, warm_r

CALL = "/ocpu/library/stats/R/rnorm/json"
RSCRIPT = ("Rscript", "-e", "jsonlite::toJSON(rnorm(3), pretty = TRUE, digits = 4)")
CLIENTS = (1, 2, 4, 8)
CALLS_A_ROUND = 8
PAUSE_S = 0.05
BESIDE = {
    "Rscript": "Rscript, a process a call",
    "fork": "warm R, same evaluation, one fork",
    "evaluate": "warm R, same evaluation, no fork",
    "bare": "warm R, bare toJSON(rnorm(3))",
}


def measure(
    server: Server, folder: Path, *, rounds: int, repetitions: int, seconds: float
) -> Iterator[Figure]:
    with warm_r(folder / "warm_r") as r:
        yield from _latency(server, r, rounds)
    loads = [
        {clients: _load(server, clients, seconds) for clients in CLIENTS}
        for _ in range(repetitions)
    ]
    for clients in CLIENTS:
        yield from _under_load(clients, [load[clients] for load in loads])


def _latency(server: Server, r: WarmR, rounds: int) -> Iterator[Figure]:
    """One client, who pauses between calls; everything in turn, a few calls at a time."""
    connection = server.connect()
    took: dict[str, list[float]] = {name: [] for name in ("larder", *BESIDE)}
    for _ in range(rounds):
        ours = []
        for _ in range(CALLS_A_ROUND):
            time.sleep(PAUSE_S)
            ours.append(_timed(lambda: ask(connection, CALL, "n=3")))
        took["larder"].append(median(ours))
        took["Rscript"].append(_timed(_run_rscript))
        for kind in ("fork", "evaluate", "bare"):
            took[kind].append(median(r.time(kind, CALLS_A_ROUND)))
    connection.close()
    ours = took["larder"]
    what, p50 = f"rnorm on demand, each {milliseconds(PAUSE_S)}: p50", milliseconds(median(ours))
    for kind, words in BESIDE.items():
        theirs = took[kind]
        goal = at_most(2) if kind == "fork" else None
        beside = f"{words} {milliseconds(median(theirs))}"
        yield Figure(what, p50, beside, ratios(ours, theirs), goal)
    theirs = [opencpu.P50_S] * rounds
    beside = f"{opencpu.NAME} {milliseconds(opencpu.P50_S)}"
    yield Figure(what, p50, beside, ratios(ours, theirs), at_most(1 / 20))


@dataclass(frozen=True)
class _Load:
    """What so many clients got, each asking again as soon as it was answered."""

    per_s: float
    took_s: list[float]

    @property
    def p99_s(self) -> float:
        return quantiles(self.took_s, n=100)[98]


def _load(server: Server, clients: int, seconds: float) -> _Load:
    connections = [server.connect() for _ in range(clients)]
    started = time.perf_counter()

    def repeat(connection: HTTPConnection) -> list[float]:
        took = []
        while time.perf_counter() < started + seconds:
            took.append(_timed(lambda: ask(connection, CALL, "n=3")))
        return took

    with ThreadPoolExecutor(clients) as threads:
        took = [one for many in threads.map(repeat, connections) for one in many]
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return _Load(len(took) / elapsed, took)


def _under_load(clients: int, loads: list[_Load]) -> Iterator[Figure]:
    what = f"rnorm on demand, {clients} client{'s' * (clients > 1)}"
    rates, theirs = [one.per_s for one in loads], opencpu.CALLS_PER_S[clients]
    yield Figure(
        f"{what}: calls per second",
        f"{median(rates):.0f}",
        f"{opencpu.NAME} {theirs:.0f}",
        ratios(rates, [theirs] * len(rates)),
        at_least(15) if clients == 4 else None,
    )
    p50s, p99s = [median(one.took_s) for one in loads], [one.p99_s for one in loads]
    yield Figure(
        f"{what}: p99",
        milliseconds(median(p99s)),
        f"p50 of the same calls {milliseconds(median(p50s))}",
        ratios(p99s, p50s),
    )


def _run_rscript() -> None:
    subprocess.run(RSCRIPT, check=True, capture_output=True, timeout=60)


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
