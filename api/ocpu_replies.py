"""The answers to a call: its value in a format, the listing of its session, or R's error."""

from __future__ import annotations

from api.errors import status_of
from api.ocpu_request import OcpuRequest
from api.reply import Reply, text
from api.request_path import MOUNT
from engine.evaluation import Evaluation
from jobs.errors import CallFailed

SESSION_HEADER = "X-ocpu-session"


def call_reply(
    request: OcpuRequest, evaluation: Evaluation, session_key: str, output: str | None
) -> Reply:
    """Returns the answer to a call: its value in a format, or the listing of its session."""
    if output is None:
        reply = listing_reply(session_key, evaluation.listing)
    elif output in evaluation.bodies:
        body = evaluation.bodies[output]
        reply = Reply(201, body.content, body.media_type, body.headers)
    else:
        reply = text(400, evaluation.body_errors[output].text + "\n")
    return reply.with_headers(*session_headers(request, session_key))


def failure_reply(request: OcpuRequest, error: CallFailed) -> Reply:
    """Returns the answer to a call that failed: R's error, or which limit it reached."""
    status = 400 if error.limit is None else status_of(error.limit)
    reply = text(status, f"{error.evaluation.error}\n")
    return reply.with_headers(*session_headers(request, error.session_key))


def listing_reply(session_key: str, outputs: tuple[str, ...]) -> Reply:
    """Returns the five-line answer: what the session has, in order of creation."""
    lines = "".join(f"{MOUNT}/tmp/{session_key}/{output}\n" for output in outputs)
    return text(201, lines)


def session_headers(request: OcpuRequest, session_key: str) -> tuple[tuple[str, str], ...]:
    """Returns the headers that name the session of a call."""
    location = request.url(f"/tmp/{session_key}/")
    return (("Location", location), (SESSION_HEADER, session_key))
