"""A run as it goes on, as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from api.event_stream import event, events_of
from api.run_document import RunDocument
from jobs.errors import RunNotFound
from jobs.status import DONE, RunStatus

LOOK_EACH_S = 0.5
_ATTEMPT = 10**12
"""More than there can be cells: an event's id counts those done, and the attempts before."""


@dataclass
class RunEvents:
    """One reader's view of a run. It looks again only when the last events were taken.

    Attributes:
        look: Gives the run as it is shown now; blocks.
        last: The id of the event that the reader has last.
        is_stopping: Whether the server is: the reader is to come back to another worker.
    """

    look: Callable[[], RunDocument]
    last: int
    is_stopping: Callable[[], bool]
    _told: RunDocument | None = field(default=None, init=False)

    def stream(self) -> AsyncIterator[bytes]:
        """Yields events until the run has ended."""
        return events_of(self._look, each_s=LOOK_EACH_S, is_stopping=self.is_stopping)

    def _look(self) -> tuple[list[bytes], bool]:
        try:
            now = self.look()
        except RunNotFound:
            return [], True
        before, self._told = self._told, now
        number = _number(now)
        if now.finished_at is not None:
            name = "done" if now.status in DONE else "failed"
            return [event(number, name, now.model_dump(mode="json"))], True
        if before is None and number and number == self.last:
            return [], False  # the reader came back, and has seen this
        if before == now:
            return [], False
        same = before is not None and (before.status, before.attempt) == (now.status, now.attempt)
        name = "progress" if same and now.status is RunStatus.RUNNING else "status"
        return [event(number, name, now.model_dump(mode="json"))], False


def _number(run: RunDocument) -> int:
    """Returns the id of an event: it grows as the run goes on, and is 0 while it waits."""
    return 0 if run.status is RunStatus.QUEUED else run.attempt * _ATTEMPT + run.done
