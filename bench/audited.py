"""What it costs a hit to be put on record: the audit around an application that answers at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.audit_config import AuditConfig
from api.audit_layer import AuditLayer
from api.auditing import Auditing
from api.operations import operation_of, set_operation
from bench.figures import Figure, ratios
from jobs.audit_spool import AuditSpool

REQUESTS = 5000
PATH = "/v1/results/weight_gain"
OPERATION = operation_of("GET", PATH)
HEADERS = [
    (b"content-length", b"300"),
    (b"content-type", b"application/json"),
    (b"etag", b'"f91efe2102e90f48810863c63282d19c"'),
    (b"vary", b"Accept-Encoding"),
    (b"age", b"1"),
    (b"cache-control", b"max-age=3600, public"),
    (b"cache-status", b"larder; hit; ttl=3600"),
    (b"last-modified", b"Mon, 23 Nov 2026 06:14:47 GMT"),
    (b"larder-job", b"weight_gain; version=22bb1d9897b1"),
]


def measure(folder: Path, *, repetitions: int) -> Iterator[Figure]:
    """One figure: with the audit and without it, in turn."""
    spool = AuditSpool(folder)
    audited = AuditLayer(_answer, Auditing(spool, AuditConfig()))
    costs: tuple[list[float], list[float]] = ([], [])
    for _ in range(repetitions):
        for place, app in enumerate((audited, _answer)):
            costs[place].append(asyncio.run(_cost_us(app)))
    spool.close()
    yield Figure(
        "(audit of a hit, in process: CPU per request)",
        f"{median(costs[0]):.1f} µs",
        f"without {median(costs[1]):.1f} µs",
        ratios(*costs),
    )


async def _cost_us(app: ASGIApp) -> float:
    began = time.process_time()
    for _ in range(REQUESTS):
        await app(_scope(), _receive, _send)
    return (time.process_time() - began) / REQUESTS * 1e6


async def _answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
    await send({"type": "http.response.body", "body": b"x" * 300})


def _scope() -> dict[str, Any]:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"treatment=CBT&prewt=80",
        "headers": [(b"host", b"127.0.0.1:8080"), (b"accept-encoding", b"identity")],
        "client": ("127.0.0.1", 50000),
    }
    set_operation(scope, OPERATION)  # as the gate has
    return scope


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_message: Message) -> None:
    pass
