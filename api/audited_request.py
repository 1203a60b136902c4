"""One request on its way, as the audit sees it: what passes by is noted, and written down in time.

In time is before anybody else knows: before R is asked, that the request began; before the last of
an answer leaves, what it was.
"""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from api.asked import ReceivedBody
from api.audited_answer import answer_facts
from api.auditing import Auditing
from api.caller import known_caller
from api.operations import Operation, operation_in, refusal_in
from api.refusals import NotAudited
from api.request_id import HEADER
from jobs.access_key import hide_keys
from jobs.audit_record import AuditOutcome, CacheUse

REFUSED: Final = frozenset((401, 403, 421, 429))
ANSWERED_BELOW: Final = 400
_HITS: Final = (CacheUse.HIT, CacheUse.STALE)
_NOTHING: Final = answer_facts(())
_NOT_CALLS: Final = frozenset(("health", "look"))
"""Operations that are no calls where anybody may ask for them: health, pages and their files."""


class AuditedRequest:
    """Receives and sends for the application.

    Args:
        scope: The request's.
        receive: Of the server.
        send: Of the server.
        request_id: The request's.
        auditing: What it is audited with.
    """

    __slots__ = (
        *("_scope", "_receive", "_send", "_id", "_auditing", "_at", "_began"),
        *("_body", "_start", "_status", "_facts", "_call", "_is_begun", "_is_written", "_is_gone"),
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
        auditing: Auditing,
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._id, self._auditing = request_id, auditing
        self._at, self._began = time.time_ns() // 1000, time.perf_counter_ns()
        self._body: ReceivedBody | None = None
        self._start: Message | None = None
        self._status: int | None = None
        self._facts = _NOTHING
        self._call = auditing.spool.next_call()
        self._is_begun = self._is_written = self._is_gone = False

    async def receive(self) -> Message:
        """Returns the next message of the server."""
        message = await self._receive()
        if message["type"] == "http.request":
            part = message.get("body", b"")
            if part:
                self._body = self._body or ReceivedBody()
                self._body.add(part)
        else:
            self._is_gone = True
        return message

    def begin(self) -> None:
        """Writes down that the request goes on to what may take long.

        Raises:
            NotAudited: That is not possible, and required.
        """
        operation = operation_in(self._scope)
        if _is_call(operation):
            self._is_begun = self._auditing.spool.write({**self._line(operation), "begun": True})
            if not self._is_begun and self._auditing.config.required:
                raise NotAudited

    async def send(self, message: Message) -> None:
        """Sends a message; not the last one before all is written down."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message["headers"])
            self._facts = answer_facts(headers)
            headers.append((HEADER, self._id.encode()))
            message["headers"] = headers
            if not self._is_begun:  # kept until the line is written, which comes with the body
                self._start = message
                return
        elif not self._is_written and not (self._is_begun and message.get("more_body", False)):
            self._write(self._outcome(), may_refuse=True)
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send(message)

    def end(self, error: BaseException | None = None) -> None:
        """Writes down what was not written yet: nothing more comes."""
        if self._is_written:
            return
        if error is None or self._is_gone:
            self._write(AuditOutcome.GONE)
            return
        self._status = self._status or 500  # as the server says then
        self._write(AuditOutcome.FAILED)

    def _outcome(self) -> AuditOutcome:
        if self._is_gone:
            return AuditOutcome.GONE
        if self._status in REFUSED:
            return AuditOutcome.REFUSED
        is_done = self._status is not None and self._status < ANSWERED_BELOW
        return AuditOutcome.DONE if is_done else AuditOutcome.FAILED

    def _write(self, outcome: AuditOutcome, *, may_refuse: bool = False) -> None:
        """Writes down how the request ended.

        Raises:
            NotAudited: That is not possible, and required; only where nothing was sent yet.
        """
        operation, auditing = operation_in(self._scope), self._auditing
        self._is_written = True
        if outcome is not AuditOutcome.REFUSED and not _is_call(operation):
            return
        is_hit = not self._is_begun and self._facts["cache"] in _HITS
        if is_hit and not auditing.config.hits:
            return
        line = self._line(operation)
        line |= self._facts
        line["outcome"] = outcome
        line["status"] = self._status
        line["duration_us"] = (time.perf_counter_ns() - self._began) // 1000
        if self._is_begun:
            line["was_begun"] = True
        elif outcome is AuditOutcome.REFUSED:
            line["detail"] = refusal_in(self._scope)
        is_there = auditing.spool.write(line)
        if not is_there and auditing.config.required and may_refuse and not self._is_begun:
            raise NotAudited

    def _line(self, operation: Operation) -> dict[str, Any]:
        """What is known before the answer."""
        scope, caller = self._scope, known_caller(self._scope)
        asked = self._auditing.requests.read(scope, self._body)
        line = {
            "call": self._call,
            "at": self._at,
            "request_id": self._id,
            "operation": operation.name,
            "job": operation.job and hide_keys(operation.job),
            "function": operation.function and hide_keys(operation.function),
            "method": scope["method"],
            "target": asked.target,
            "arguments_digest": asked.digest,
        }
        if self._auditing.config.text:
            line["arguments"] = asked.arguments
        if caller is None:
            client = scope.get("client")
            line["address"] = client[0] if client else ""
        else:
            line["address"], line["role"] = caller.address, caller.role
            if caller.key_id is not None or caller.name:
                line["caller"], line["key_id"] = caller.name, caller.key_id
        return line


def _is_call(operation: Operation) -> bool:
    return operation.least is not None or operation.name not in _NOT_CALLS
