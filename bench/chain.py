"""A chain of three calls, each on the session of the one before: with live sessions and without."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from bench import opencpu
from bench.figures import Figure, at_most, milliseconds, ratios
from bench.project import make_project
from bench.server import Server, serve
from engine.pool import Pool

SIZES = {1_000: 1.0, 200_000: 0.3}
"""Rows of the table, and how many of the rounds it is worth."""
STEPS = ("read.csv", "group_by", "summarise to JSON")
GROUPS = 20
WARM_WITHIN_S = 20.0
BOUNDARY = "larder-bench"
FORM = "application/x-www-form-urlencoded"


def measure(live: Server, folder: Path, *, rounds: int) -> Iterator[Figure]:
    """Figures of a server with live sessions, beside one without any, in turn."""
    project = make_project(folder / "without_live")
    with serve(project, ENGINE__LIVE="off") as without:
        servers = {"on": live, "off": without}
        for server in servers.values():
            _warm_up(server)
        for rows, share in SIZES.items():
            took: dict[str, list[list[float]]] = {mode: [] for mode in servers}
            for _ in range(max(2, round(share * rounds))):
                for mode, server in servers.items():
                    took[mode].append(_chain(server, rows))
            yield from _figures(rows, took["on"], took["off"])


def _figures(rows: int, on: list[list[float]], off: list[list[float]]) -> Iterator[Figure]:
    what = f"chain on {rows:,} rows"
    parts = [*STEPS, "all three"]
    for number, step in enumerate(parts):
        ours = [(*took, sum(took))[number] for took in on]
        theirs = [(*took, sum(took))[number] for took in off]
        yield Figure(
            f"{what}, live: {step}",
            milliseconds(median(ours)),
            f"live: off {milliseconds(median(theirs))}",
            ratios(ours, theirs),
        )
    known = opencpu.CHAIN_S[rows]
    for mode, took in (("live", on), ("live: off", off)):
        totals = [sum(one) for one in took]
        yield Figure(
            f"{what}, {mode}: all three",
            milliseconds(median(totals)),
            f"{opencpu.NAME} {milliseconds(known)}",
            ratios(totals, [known] * len(totals)),
            at_most(1 / 15),
        )


def _chain(server: Server, rows: int) -> list[float]:
    """The seconds of each step; the answer is checked."""
    content = _table(rows)
    took = []
    with closing(server.connect()) as connection:
        session = ""
        for path, kind, body in (
            ("utils/R/read.csv", f"multipart/form-data; boundary={BOUNDARY}", _upload(content)),
            ("dplyr/R/group_by", FORM, b".data={session}&...=g"),
            ("dplyr/R/summarise/json", FORM, b".data={session}&...=total=sum(x)"),
        ):
            sent = body.replace(b"{session}", session.encode())
            started = time.perf_counter()
            session, answer = _post(connection, f"/ocpu/library/{path}", kind, sent)
            took.append(time.perf_counter() - started)
    totals = {row["g"]: row["total"] for row in json.loads(answer)}
    assert sum(totals.values()) == sum(range(rows)), totals
    assert len(totals) == GROUPS
    return took


def _post(connection: HTTPConnection, path: str, kind: str, body: bytes) -> tuple[str, bytes]:
    connection.request("POST", path, body, {"Content-Type": kind})
    response = connection.getresponse()
    content = response.read()
    assert response.status == 201, (path, response.status, content)
    return response.headers["X-ocpu-session"], content


def _table(rows: int) -> bytes:
    lines = (
        f"{index % GROUPS},{index},{index * 7 % 101}.25,item {index % 1000} of the list,x\n"
        for index in range(rows)
    )
    return ("g,x,y,label,note\n" + "".join(lines)).encode()


def _upload(content: bytes) -> bytes:
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        'name="file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\n'
    )
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def _warm_up(server: Server) -> None:
    """Until there is a template with dplyr: it is made of what calls ask for."""
    end = time.monotonic() + WARM_WITHIN_S
    with closing(Pool(server.project / ".larder" / "engine.sock")) as pool:
        while time.monotonic() < end:
            _chain(server, min(SIZES))
            if any(one["name"] == "dplyr" for one in pool.info()["templates"]):
                break
    _chain(server, min(SIZES))
