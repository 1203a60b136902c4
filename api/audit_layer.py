"""The audit around the application: every call is written down before it is answered.

A prepared answer costs one line. A request that goes on to the application costs two, when it
begins and when it ends: if the process is killed meanwhile, the first one tells of it.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from api.asked import shown_path
from api.audited_request import AuditedRequest
from api.auditing import Auditing
from api.errors import status_of
from api.linger import send_and_close
from api.problem import problem_reply
from api.refusals import NotAudited
from api.reply import text
from api.request_id import RequestIds
from engine.request_id import work_for
from jobs.audit_record import AuditOutcome

_SCOPE_KEY = "larder.audited"


class AuditLayer:
    """Notes each request of `app`, and gives it an id.

    Args:
        app: What answers.
        auditing: What requests are audited with.
    """

    def __init__(self, app: ASGIApp, auditing: Auditing) -> None:
        self._app = app
        self._auditing = auditing
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._ids.of(scope)
        work_for(request_id)  # of this task, which is the request's own
        audited = AuditedRequest(scope, receive, send, request_id, self._auditing)
        scope[_SCOPE_KEY] = audited
        try:
            await self._app(scope, audited.receive, audited.send)
        except NotAudited as error:
            reply = problem_reply(error)
            if scope["path"].startswith("/ocpu"):
                reply = text(status_of(error), f"{error}\n", ("Retry-After", "1"))
            await send_and_close(receive, send, reply.with_headers(("X-Request-ID", request_id)))
        except BaseException as error:
            audited.end(error)
            raise
        audited.end()

    def note_unreadable(self, address: str, target: bytes, status: int) -> None:
        """Writes down what somebody sent that is no request, or none that came to its end."""
        spool = self._auditing.spool
        line: dict[str, Any] = {
            "operation": "unreadable",
            "outcome": AuditOutcome.FAILED,
            "status": int(status),
        }
        line |= {"call": spool.next_call(), "at": time.time_ns() // 1000}
        spool.write({**line, "address": address, "target": shown_path(target)})


def begins(app: ASGIApp) -> ASGIApp:
    """Returns the application, before which a request is written down as begun."""

    async def begun(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            audited: AuditedRequest = scope[_SCOPE_KEY]
            audited.begin()
        await app(scope, receive, send)

    return begun
