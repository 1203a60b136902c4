"""Errors of /v1 as problem documents (RFC 9457)."""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus
from typing import Any

import orjson

from api.errors import STATUS, status_of
from api.reply import Headers, Reply
from api.retry_after import retry_headers
from cache.clock import to_text
from engine.errors import LimitReached
from engine.request_id import current_request
from jobs.errors import ArgumentInvalid, CallFailed, JobNotFound, NoAnswerThen

PROBLEM = "application/problem+json"


def problem_reply(error: Exception) -> Reply:
    """Returns the problem document of an error, with the facts that a program may use."""
    session = f"/ocpu/tmp/{error.session_key}/" if isinstance(error, CallFailed) else None
    if isinstance(error, CallFailed) and error.limit is not None:
        error = error.limit
    status = status_of(error)
    document = problem_of(type(error).__name__, status, str(error))
    if isinstance(error, ArgumentInvalid):
        document["errors"] = [
            {"argument": fault.argument, "reason": fault.reason, "hint": fault.hint}
            for fault in error.faults
        ]
    if isinstance(error, JobNotFound) and error.nearest:
        document["nearest"] = error.nearest
    if isinstance(error, NoAnswerThen):
        document["earliest"] = error.earliest and to_text(error.earliest)
    if isinstance(error, LimitReached):
        document |= {name: getattr(error, name) for name in ("limit", "value", "unit", "setting")}
    if session is not None:
        document["session"] = session
    headers: Headers = (("Cache-Control", "no-store"), *retry_headers(error))
    return Reply(status, orjson.dumps(document), PROBLEM, headers)


def problem_of(name: str, status: int, detail: str) -> dict[str, Any]:
    """Returns the members that every problem document has, for the error class of this name."""
    document = {
        "type": f"/docs/problems#{_kebab(name)}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    request_id = current_request()
    return document | {"request_id": request_id} if request_id else document


def problem_page() -> str:
    """Returns a page that explains every type of problem: what its `type` URL leads to."""
    rows = "".join(
        f'<tr id="{_kebab(kind.__name__)}"><td>{_kebab(kind.__name__)}</td><td>{status}</td>'
        f"<td>{escape((kind.__doc__ or '').strip().splitlines()[0])}</td></tr>"
        for kind, status in sorted(STATUS.items(), key=lambda item: item[0].__name__)
    )
    return (
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Larder: problems</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:50rem}"
        "td,th{text-align:left;padding:.3rem .8rem}tr:target{background:#fff3c4}</style>"
        "<h1>Problems</h1><p>What an answer of /v1 with an error means by its <code>type</code>."
        f"<table><tr><th>type<th>status<th>meaning{rows}</table></html>"
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
