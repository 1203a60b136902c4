"""A hit of one caller while another floods the server, beside the same hit while all is quiet."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from bench.figures import Figure, Goal, at_most, ratios
from bench.hit import FORM, RESULT
from bench.processes import cores
from bench.project import make_project
from bench.server import Server, serve
from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role

CONNECTIONS = 16
EACH_S = 0.004
"""Between two of the other caller's requests."""
BEFORE_S = 0.3
"""For a flood to get going."""
GOAL = at_most(2)


@dataclass(frozen=True)
class Flood:
    """What a caller does.

    Attributes:
        what: Its name.
        path: What is asked for.
        key: With whose key.
        form: What is posted; None asks with GET.
    """

    what: str
    path: str
    key: str
    form: str | None = None


FLOODS = (
    Flood("requests beyond a key's rate", RESULT, "rated"),
    Flood("guessed keys", RESULT, "guessed"),
    Flood("calls of R", "/ocpu/library/stats/R/rnorm/json", "flooder", "n=3"),
)


def measure(folder: Path, *, repetitions: int, seconds: float) -> Iterator[Figure]:
    """Two figures for each flood; it and quiet take turns."""
    project = make_project(folder / "flood")
    keys = _make_keys(project)
    settings = {"ACCESS__FAILURES": "60/minute", "ACCESS__CONCURRENT": "1", "ACCESS__QUEUE": "8"}
    with serve(project, **settings) as server:
        _times(server, keys["reader"], 0.5)  # the first request computes the answer
        for flood in FLOODS:
            quiet, loud = [], []
            for _ in range(repetitions):
                quiet.append(_times(server, keys["reader"], seconds))
                with _flooded(server, flood, keys.get(flood.key, "larder_guess"), folder):
                    time.sleep(BEFORE_S)
                    loud.append(_times(server, keys["reader"], seconds))
            yield _figure(
                flood, "p50", [median(one) for one in loud], [median(one) for one in quiet]
            )
            yield _figure(flood, "p95", [_p95(one) for one in loud], [_p95(one) for one in quiet])


def _make_keys(project: Path) -> dict[str, str]:
    (project / ".larder").mkdir(mode=0o700)
    catalog = Catalog.in_file(project / ".larder" / "catalog.db")
    catalog.migrate()
    keys = {name: new_secret() for name in ("reader", "rated", "flooder")}
    for name, secret in keys.items():
        rate = "60/minute" if name == "rated" else None
        catalog.add_key(secret, name, Role.CALLER, rate=rate)
    catalog.close()
    return keys


@contextmanager
def _flooded(server: Server, flood: Flood, key: str, folder: Path) -> Iterator[None]:
    """Has wrk flood the server from the last core until the block is left."""
    command = ["taskset", "-c", str(cores()[-1]), "wrk", "-t1", f"-c{CONNECTIONS}", "-d60s"]
    command += ["-H", f"Authorization: Bearer {key}"]
    if flood.form is not None:
        script = folder / "flood.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = [[{flood.form}]]\n')
        command += ["-s", str(script), "-H", f"Content-Type: {FORM}"]
    process = subprocess.Popen([*command, server.url + flood.path], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _times(server: Server, key: str, seconds: float) -> list[float]:
    """How long hits take on one connection."""
    connection = server.connect()
    took = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        connection.request("GET", RESULT, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
        time.sleep(EACH_S)
    connection.close()
    return took


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def _figure(
    flood: Flood, what: str, loud: list[float], quiet: list[float], goal: Goal | None = None
) -> Figure:
    return Figure(
        f"hit while another floods with {flood.what}: {what}",
        f"{median(loud) * 1000:.2f} ms",
        f"quiet {median(quiet) * 1000:.2f} ms",
        ratios(loud, quiet),
        goal,
    )
