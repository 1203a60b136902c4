"""Errors of /v1 as problem documents (RFC 9457)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import orjson

from api.errors import status_of
from api.reply import Headers, Reply
from jobs.errors import ArgumentInvalid, CallFailed, JobNotFound

PROBLEM = "application/problem+json"


def problem_reply(error: Exception) -> Reply:
    """Returns the problem document of an error, with the facts that a program may use."""
    status = status_of(error)
    document: dict[str, Any] = {
        "type": f"/docs/problems#{_kebab(type(error).__name__)}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error),
    }
    if isinstance(error, ArgumentInvalid):
        document["errors"] = [
            {"argument": fault.argument, "reason": fault.reason, "hint": fault.hint}
            for fault in error.faults
        ]
    if isinstance(error, JobNotFound) and error.nearest:
        document["nearest"] = error.nearest
    if isinstance(error, CallFailed):
        document["detail"] = error.evaluation.error_message
        document["session"] = f"/ocpu/tmp/{error.session_key}/"
    headers: Headers = (("Cache-Control", "no-store"),)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = (*headers, ("Retry-After", "1"))
    return Reply(status, orjson.dumps(document), PROBLEM, headers)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
