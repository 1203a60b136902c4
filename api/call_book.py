"""The book of calls: what every worker can say of a call by its key, also after a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from api.call_document import (
    CallDocument,
    CallState,
    CallUnderWay,
    ProblemDocument,
    addresses_of,
    result_url_of,
    session_url_of,
)
from api.caller import ANYONE, Caller
from api.errors import CallEnded, CallInterrupted, CallNotFound, status_named
from api.problem import problem_of
from cache.call_records import CallRecord, CallRecords
from cache.errors import SessionNotFound
from cache.sessions import Session, SessionFolder
from engine.pool import Pool
from jobs.owner import is_gone
from jobs.stored_sessions import StoredSessions

CONSOLE_BYTES = 16 * 1024
"""How much of the console's end a status shows."""
TRIES = 20
PAUSE_S = 0.05
"""A call is in nobody's list for moments: on its way to the engine, and from there to its end."""


@dataclass(frozen=True)
class CallBook:
    """Looks calls up and cancels them. All of it blocks.

    Attributes:
        pool: Knows what waits and runs.
        sessions: Knows what is being staged.
        stored: Has what was done.
        records: Has what was promised, and what ended without a session.
    """

    pool: Pool
    sessions: SessionFolder
    stored: StoredSessions
    records: CallRecords

    def under_way(self, caller: Caller = ANYONE) -> list[CallUnderWay]:
        """Returns what waits and runs now, in the order in which it came; of a caller's own calls.

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        waiting = 0
        calls = []
        for facts in self.pool.under_way():
            waits = facts["running_s"] is None
            waiting += waits
            if caller.sees_all or self._is_of(caller, facts["key"], facts["owner"]):
                calls.append(_under_way(facts, waiting if waits else None))
        return calls

    def seen(self, key: str, caller: Caller) -> CallDocument:
        """Returns what is known of a call, if it is the caller's.

        Raises:
            CallNotFound: nothing is, or no more, or it is another's.
            EngineUnavailable: the engine does not answer, and only it could know.
        """
        self.check_seen(key, caller)
        return self.look(key)

    def check_seen(self, key: str, caller: Caller) -> None:
        """Lets pass who may see a call: whoever made it, and operators.

        Raises:
            CallNotFound: it is another's, or there is none.
        """
        if caller.sees_all or self._is_of(caller, key) or key in self._running_for(caller):
            return
        raise CallNotFound(key)

    def look(self, key: str) -> CallDocument:
        """Returns what is known of a call, whoever asks.

        Raises:
            CallNotFound: nothing is, or no more.
            EngineUnavailable: the engine does not answer, and only it could know.
        """
        for _ in range(TRIES):
            found = self._look(key)
            if found is not None:
                return found
            if not self.sessions.is_staged(key):
                break
            time.sleep(PAUSE_S)
        record = self.records.get(key)
        if record is None or record.ended_at is not None:
            raise CallNotFound(key)
        return _promised(record, is_held=not is_gone(record.owner))

    def cancel(self, key: str) -> None:
        """Ends a call that waits or runs, at once, and all that it started.

        Raises:
            CallNotFound: there is none.
            CallEnded: it has ended already.
        """
        found = self.look(key)
        if found.status.is_final:
            raise CallEnded(key, found.status.value)
        record = self.records.get(key)
        if record is not None:  # first: it may wait for a call that goes on, another's
            reason = "the call was cancelled"
            self.records.end(key, record.function, failure="CallCancelled", reason=reason)
        for _ in range(TRIES):
            if self.pool.cancel(key):
                return
            if not self.sessions.is_staged(key):
                return
            time.sleep(PAUSE_S)

    def _is_of(self, caller: Caller, key: str, owner: str = "") -> bool:
        if not caller.name:
            return False
        record = self.records.get(key)
        if caller.name == owner or (record is not None and record.caller == caller.name):
            return True
        session = self._session(key)
        return session is not None and session.manifest.owner == caller.name

    def _running_for(self, caller: Caller) -> set[str]:
        running = self.pool.under_way()
        return {one["key"] for one in running if one["owner"] and one["owner"] == caller.name}

    def _look(self, key: str) -> CallDocument | None:
        now = next((call for call in self.under_way() if call.key == key), None)
        record = self.records.get(key)
        if now is not None:
            return self._running(now, record)
        if record is not None and record.ended_at is not None:
            return self._ended(record)
        is_held = record is not None and not is_gone(record.owner)
        if self.sessions.is_staged(key) and (is_held or record is None):
            return None  # it is in somebody's hand, for a moment
        session = self._session(key)
        if session is not None:
            return _left(key, session, record)
        return None if record is None else _promised(record, is_held=is_held)

    def _running(self, now: CallUnderWay, record: CallRecord | None) -> CallDocument:
        printed = self.pool.console(now.key)
        return CallDocument(
            **now.model_dump(exclude={"operation"}),
            **_console(b"" if printed is None else printed[0]),
            began_at=None if record is None else record.began_at,
            result_url=None if record is None else _result_url(record),
        )

    def _ended(self, record: CallRecord) -> CallDocument | None:
        if record.failure is not None:
            return _failed(record, record.failure, record.reason or "")
        if record.session_key is not None:
            session = self._session(record.session_key)
            return None if session is None else _left(record.key, session, record)
        return _document(record, CallState.DONE)

    def _session(self, key: str) -> Session | None:
        try:
            return self.stored.open(key)
        except SessionNotFound:
            return None


def printed_by(session: Session) -> bytes:
    """Returns what a call printed and said, as it was told while it ran, and how it ended.

    The place of a piece may differ by the ends of lines before it that were not printed.
    """
    lines = (text if text.endswith("\n") else f"{text}\n" for text in _pieces(session) if text)
    return "".join(lines).encode()


def _pieces(session: Session) -> list[str]:
    return session.manifest.texts.get("console", [])


def _under_way(facts: dict[str, Any], position: int | None) -> CallUnderWay:
    status_url, events_url = addresses_of(facts["key"])
    package, function = facts["package"], facts["function"]
    return CallUnderWay(
        key=facts["key"],
        status=CallState.RUNNING if position is None else CallState.WAITING,
        operation=facts["operation"],
        function=f"{package}::{function}" if package and function else function,
        position=position,
        waited_s=facts["waited_s"],
        running_s=facts["running_s"],
        request_id=facts["request_id"],
        status_url=status_url,
        events_url=events_url,
    )


def _left(key: str, session: Session, record: CallRecord | None) -> CallDocument:
    """What a session says of the call that left it."""
    manifest = session.manifest
    record = record or CallRecord(key=key, function="", began_at=manifest.created_at)
    if manifest.error is None:
        document = _document(record, CallState.DONE)
    else:
        message = manifest.error.partition("\n\nIn call:")[0]
        document = _failed(record, "CallFailed", message)
    return document.model_copy(
        update={
            "function": record.function or manifest.function,
            "began_at": record.began_at if record.function else None,
            "ended_at": record.ended_at or manifest.created_at,
            "session": session_url_of(session.session_key),
            "result_url": result_url_of(record.address, session.session_key),
            **_console(printed_by(session)),
        }
    )


def _promised(record: CallRecord, *, is_held: bool) -> CallDocument:
    """A call that nobody runs, and that has not ended: it waits, if its process still lives."""
    if not is_held:
        return _failed(record, CallInterrupted.__name__, str(CallInterrupted()))
    return _document(record, CallState.WAITING)


def _failed(record: CallRecord, failure: str, reason: str) -> CallDocument:
    state = CallState.CANCELLED if failure == "CallCancelled" else CallState.FAILED
    problem = ProblemDocument(**problem_of(failure, status_named(failure), reason))
    return _document(record, state).model_copy(update={"problem": problem, "result_url": None})


def _document(record: CallRecord, state: CallState) -> CallDocument:
    status_url, events_url = addresses_of(record.key)
    return CallDocument(
        key=record.key,
        status=state,
        function=record.function,
        began_at=record.began_at,
        ended_at=record.ended_at,
        status_url=status_url,
        events_url=events_url,
        result_url=_result_url(record),
    )


def _result_url(record: CallRecord) -> str | None:
    return result_url_of(record.address, record.session_key)


def _console(printed: bytes) -> dict[str, Any]:
    shown = printed[-CONSOLE_BYTES:].decode(errors="replace")
    if len(printed) > CONSOLE_BYTES:
        shown = shown.lstrip("\ufffd")  # what is left of a character that was cut
    return {"console": shown, "console_bytes": len(printed)}
