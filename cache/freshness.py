"""How long an answer is current, and what it is at a moment. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class State(Enum):
    """What a stored answer is worth at a moment."""

    FRESH = "fresh"  # served as it is
    STALE = "stale"  # served at once, and refreshed behind it
    MISS = "miss"  # computed before anything is served


@dataclass(frozen=True)
class Freshness:
    """The three spans of a job's answers, in seconds.

    ``serve_stale_for_s`` begins where ``fresh_for_s`` ends; ``keep_s`` counts from the computation.
    """

    fresh_for_s: float
    serve_stale_for_s: float
    keep_s: float

    def until(self, computed_at: datetime) -> tuple[datetime, datetime, datetime]:
        """The ends of being fresh, stale and kept; nothing goes while it may still be served."""
        fresh_until = computed_at + timedelta(seconds=self.fresh_for_s)
        stale_until = fresh_until + timedelta(seconds=self.serve_stale_for_s)
        kept_until = computed_at + timedelta(seconds=self.keep_s)
        return fresh_until, stale_until, max(stale_until, kept_until)


@dataclass(frozen=True)
class Version:
    """A job's version, by its digest, and the moment from which it holds."""

    digest: str
    since: datetime


def state_at(
    now: datetime,
    *,
    fresh_until: datetime,
    stale_until: datetime,
    version: str,
    current: Version | None = None,
) -> State:
    """The state of an answer that ``version`` made.

    Under another version it is stale at once, for as long as it may be served stale, counted from
    the moment when that other version began.
    """
    if current is not None and current.digest != version:
        stale_until = min(stale_until, current.since + (stale_until - fresh_until))
    elif now < fresh_until:
        return State.FRESH
    return State.STALE if now < stale_until else State.MISS
