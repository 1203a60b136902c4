"""Cached hits beside nginx serving the same bytes as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import audited
from bench.constant import constant
from bench.figures import Figure, Goal, at_most, ratios
from bench.nginx import Nginx, nginx
from bench.processes import cores, cpu_s, on_core
from bench.server import Server, ask
from bench.wrk import Load

RESULT = "/v1/results/weight_gain?treatment=CBT&prewt=80"
CALL = "/ocpu/library/scoring/R/gain/json"
CALL_FORM = 'treatment="CBT"&prewt=80'
TABLE = "/v1/results/bench_table?rows="


FORM = "application/x-www-form-urlencoded"
FLOOR_BYTES = 115
PLAIN = {"Accept-Encoding": "identity"}
SMALL_GOAL = at_most(3)


@dataclass(frozen=True)
class Case:
    """A request that Larder has an answer to.

    Attributes:
        what: Its name.
        path: Where Larder has it.
        form: What is posted.
        encoding: What the client accepts.
        goal: Of Larder's CPU per request divided by nginx's.
    """

    what: str
    path: str
    form: str | None = None
    encoding: str = "identity"
    goal: Goal = SMALL_GOAL

    @property
    def headers(self) -> dict[str, str]:
        kind = {} if self.form is None else {"Content-Type": FORM}
        return {"Accept-Encoding": self.encoding, **kind}


CASES = (
    Case("GET /v1/results", RESULT),
    Case("POST /ocpu/library", CALL, CALL_FORM),
    Case("GET /v1/results", TABLE + "95"),
    Case("GET /v1/results, br", TABLE + "4000", encoding="br", goal=at_most(1.5)),
)


def measure(server: Server, folder: Path, *, repetitions: int) -> Iterator[Figure]:
    """Two figures a case; nginx is asked with GET always, as it cannot answer a POST by a file."""
    with nginx(folder / "nginx") as beside, on_core(cores()[0], server.api_pid, beside.pid):
        yield from _floor(beside, folder, repetitions)
        yield from audited.measure(folder, repetitions=repetitions)
        for number, case in enumerate(CASES):
            whole, sent = _prepare(case, server)
            size = f"{len(whole):,} B" if whole == sent else f"{len(whole):,} B as {len(sent):,}"
            loads = (
                (server.api_pid, Load(server.url + case.path, case.headers, case.form)),
                (beside.pid, Load(beside.put(str(number), sent), PLAIN)),
            )
            what = f"hit, {case.what}, {size}"
            yield from _figures(what, case.goal, *_measured(loads, repetitions, folder))


def _floor(beside: Nginx, folder: Path, repetitions: int) -> Iterator[Figure]:
    """What of a hit's cost is uvicorn's."""
    url = beside.put("floor", b"x" * FLOOR_BYTES)
    with constant(beside.files / "floor") as (pid, bare), on_core(cores()[0], pid):
        loads = ((pid, Load(bare, PLAIN)), (beside.pid, Load(url, PLAIN)))
        costs, _ = _measured(loads, repetitions, folder)
    yield Figure(
        f"(uvicorn with a constant of {FLOOR_BYTES} B, no Larder: server CPU per request)",
        f"{median(costs[0]):.0f} µs",
        f"nginx {median(costs[1]):.1f} µs",
        ratios(*costs),
    )


def _measured(
    loads: tuple[tuple[int, Load], ...], repetitions: int, folder: Path
) -> tuple[list[list[float]], list[list[float]]]:
    """CPU per request in µs and requests per second, of each server in turn."""
    costs: list[list[float]] = [[] for _ in loads]
    rates: list[list[float]] = [[] for _ in loads]
    for _ in range(repetitions):
        for place, (pid, load) in enumerate(loads):
            before = cpu_s(pid)
            answered = load.run(1, cores()[-1], folder)
            costs[place].append((cpu_s(pid) - before) / answered.requests * 1e6)
            rates[place].append(answered.per_s)
    return costs, rates


def _figures(
    what: str, goal: Goal, costs: list[list[float]], rates: list[list[float]]
) -> Iterator[Figure]:
    yield Figure(
        f"{what}: server CPU per request",
        f"{median(costs[0]):.0f} µs",
        f"nginx {median(costs[1]):.1f} µs",
        ratios(*costs),
        goal,
    )
    yield Figure(
        f"{what}: requests per second",
        f"{median(rates[0]):,.0f}",
        f"nginx {median(rates[1]):,.0f}",
        ratios(*rates),
    )


def _prepare(case: Case, server: Server) -> tuple[bytes, bytes]:
    """Has the answer made; its content, and what goes over the wire when `encoding` is accepted."""
    connection = server.connect()
    try:
        whole = ask(connection, case.path, case.form)
        method = "GET" if case.form is None else "POST"
        connection.request(method, case.path, case.form, case.headers)
        response = connection.getresponse()
        sent = response.read()
        assert "hit" in response.headers["Cache-Status"]
        assert response.headers.get("Content-Encoding", "identity") == case.encoding
    finally:
        connection.close()
    return whole, sent
