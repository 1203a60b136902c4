"""Why: the reason for which an answer is served as it is, or has to be computed."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cache.entry import State, Version


class Why(StrEnum):
    """One reason; `state` says what it makes of the answer."""

    FRESH = "fresh"
    """It is current."""
    AGED = "aged"
    """Its `fresh_for` is over; it is served for a while yet."""
    CHANGED = "changed"
    """Another version of the job made it; it is served for a while yet."""
    SAME_INPUT = "same_input"
    """It is made of the job's input as it is now: a run makes it fresh anew, without R."""
    INPUT_CHANGED = "input_changed"
    """It is current by its time, but the job's input has changed."""
    ROW_CHANGED = "row_changed"
    """The source has another row under its key; the older answer is served until the next run."""
    EXPIRED = "expired"
    """It has been stale for longer than it may be served."""
    NEVER = "never_computed"
    """A run of the job is to compute it, and none has."""
    NOT_PREPARED = "not_prepared"
    """It is no cell of the grid, and nobody has asked for it."""
    NOT_IN_SOURCE = "not_in_source"
    """The table of the rows job has no such row."""
    NOT_ALLOWED = "not_allowed"
    """The job does not take these arguments."""

    @property
    def state(self) -> State:
        """Fresh, stale or a miss."""
        return _STATES.get(self, State.MISS)


_STATES = {
    **dict.fromkeys((Why.FRESH, Why.INPUT_CHANGED), State.FRESH),
    **dict.fromkeys((Why.AGED, Why.CHANGED, Why.SAME_INPUT, Why.ROW_CHANGED), State.STALE),
}


class _Stored(Protocol):
    """An entry, its summary, or a row."""

    @property
    def version(self) -> str:
        """Which version of the job made it."""

    def state(self, now: datetime, current: Version | None = None) -> State:
        """What it is worth."""


def why_of(stored: _Stored | None, now: datetime, current: Version | None) -> Why:
    """The reason for the state of what is stored for a cell, under the job's current version."""
    if stored is None:
        return Why.NEVER
    state = stored.state(now, current)
    if state is State.FRESH:
        return Why.FRESH
    if state is State.MISS:
        return Why.EXPIRED
    changed = current is not None and current.digest != stored.version
    return Why.CHANGED if changed else Why.AGED
