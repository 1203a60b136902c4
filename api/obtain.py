"""Obtaining an answer for somebody who waits: from the cache, or by having it computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.caching import Answer, Directives
from api.promise import Promise, asked
from api.reply import Reply
from cache.entry import Entry, State
from engine.call import Output
from jobs.call import Call
from jobs.flight import landed
from jobs.pantry import Pantry
from jobs.resolution import Resolution
from jobs.row_resolution import RowResolution


@dataclass(frozen=True)
class Ready:
    """A reply that needed no work; a fresh one may be given to the same request again."""

    reply: Reply
    is_fresh: bool

    @classmethod
    def of(cls, answer: Answer, reply: Reply) -> Ready:
        """The reply made of an answer."""
        return cls(reply, answer.state is State.FRESH and answer.ttl_s > 1)


def ready(
    pantry: Pantry, found: Resolution, directives: Directives, usable: Callable[[Entry], bool]
) -> bool:
    """Whether what was found will do; a stale answer that does is refreshed behind it."""
    if found.entry is None or not directives.accepts(found) or not usable(found.entry):
        return False
    if found.state is State.STALE and not directives.prepared_only:
        pantry.refresh(found)
    return True


def obtain(
    pantry: Pantry,
    call: Call,
    found: Resolution,
    directives: Directives,
    *,
    usable: Callable[[Entry], bool],
    also: Sequence[Output] = (),
    promise: Promise | None = None,
) -> Resolution:
    """Returns an answer to the call whose entry is `usable`. Blocks while R works.

    With a `promise`, for a client who does not wait.

    Raises:
        OnlyIfCached, NotPrepared: no computing is allowed, and nothing is there.
        CallFailed, RefusedMiss, EngineError: the answer cannot be computed.
    """
    if ready(pantry, found, directives, usable):
        return found
    directives.check_computing()
    # What is there and will not do must not come back from the flight as somebody else's success.
    newer_than = found.now if found.entry is not None else None

    def make(session_key: str | None) -> Resolution:
        return pantry.materialise(
            call, found.job, also=also, newer_than=newer_than, session_key=session_key
        )

    return asked(promise, call.function, make)


def row_ready(pantry: Pantry, found: RowResolution, directives: Directives) -> bool:
    """Whether the row that was found will do; a stale one that does is refreshed behind it."""
    if found.answer is None or not directives.accepts(found):
        return False
    if found.state is State.STALE and not directives.prepared_only:
        pantry.refresh_row(found)
    return True


def obtain_row(
    pantry: Pantry, found: RowResolution, directives: Directives, promise: Promise | None = None
) -> RowResolution:
    """Returns a row's answer, as `obtain` does. Blocks while R works.

    Raises:
        OnlyIfCached, NotPrepared: no computing is allowed, and nothing is there.
        RowNotFound, EngineError: the row cannot be computed.
    """
    if row_ready(pantry, found, directives):
        return found
    directives.check_computing()
    job = found.job

    def make(call_key: str | None) -> RowResolution:
        return landed(lambda: pantry.begin_row(job, found.row_key, call_key=call_key))

    return asked(promise, job.qualified, make)
