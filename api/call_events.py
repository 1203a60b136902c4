"""A call as it goes on: status and console as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from api.call_book import CallBook, printed_by
from api.call_document import CallDocument, CallState
from api.errors import CallNotFound
from api.event_stream import event, events_of
from cache.errors import SessionNotFound

LOOK_EACH_S = 0.2
STATUS_EACH = 5
"""Of so many looks at a call that waits one asks for its status, which takes longer."""
PIECE_BYTES = 64 * 1024
_FIRST_BYTES = ((2, range(0xC2, 0xE0)), (3, range(0xE0, 0xF0)), (4, range(0xF0, 0xF5)))
"""How many bytes a character has, by its first one."""


@dataclass
class CallEvents:
    """One reader's view of a call. It looks again only when the last events were taken.

    Attributes:
        book: What is known of calls.
        key: The call.
        position: The bytes of console that the reader has: each event's id.
        is_stopping: Whether the server is: the reader is to come back to another worker.
    """

    book: CallBook
    key: str
    position: int
    is_stopping: Callable[[], bool]
    _status: CallState | None = field(default=None, init=False)
    _looks: int = field(default=0, init=False)

    def stream(self) -> AsyncIterator[bytes]:
        """Yields events until the call has ended."""
        return events_of(self._look, each_s=LOOK_EACH_S, is_stopping=self.is_stopping)

    def _look(self) -> tuple[list[bytes], bool]:
        """Returns the events since the last look, and whether they are the last ones."""
        try:
            return self._seen()
        except CallNotFound:  # it was removed: the reader who comes back gets a 404
            return [], True

    def _seen(self) -> tuple[list[bytes], bool]:
        printed = self.book.pool.console(self.key, self.position)
        if self._status is CallState.RUNNING and printed is not None:
            return self._console(printed[0]), False
        self._looks += 1
        if self._status is CallState.WAITING and printed is None and self._looks % STATUS_EACH:
            return [], False
        found = self.book.look(self.key)
        if found.status.is_final:
            name = "done" if found.status is CallState.DONE else "failed"
            return [*self._rest(found), self._event(name, found.model_dump(mode="json"))], True
        if found.status is self._status:
            return [], False
        self._status = found.status
        return [self._event("status", found.model_dump(mode="json"))], False

    def _console(self, printed: bytes, *, is_last: bool = False) -> list[bytes]:
        """Makes events of text, up to the last whole character of it."""
        events = []
        end = len(printed) if is_last else whole_characters(printed)
        start = 0
        while start < end:
            size = min(PIECE_BYTES, end - start)
            if start + size < end:
                size = whole_characters(printed[start : start + size]) or size
            piece = printed[start : start + size]
            start += size
            self.position += size
            events.append(self._event("console", {"text": piece.decode(errors="replace")}))
        return events

    def _rest(self, ended: CallDocument) -> list[bytes]:
        """What was printed after the last look; the session has all of it."""
        if ended.session is None:
            return []
        try:
            session = self.book.stored.open(ended.session.rstrip("/").rpartition("/")[2])
        except SessionNotFound:
            return []
        return self._console(printed_by(session)[self.position :], is_last=True)

    def _event(self, name: str, content: object) -> bytes:
        return event(self.position, name, content)


def whole_characters(text: bytes) -> int:
    """Returns how many bytes there are before a character of UTF-8 that has only begun."""
    for back in range(1, min(4, len(text)) + 1):
        byte = text[-back]
        if byte & 0xC0 != 0x80:
            length = next((n for n, first in _FIRST_BYTES if byte in first), 1)
            return len(text) - back if length > back else len(text)
    return len(text)
