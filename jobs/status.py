"""The words for how a run came about and how it, and each of its cells, ended."""

from enum import StrEnum


class RunStatus(StrEnum):
    """Where one execution of a job stands."""

    QUEUED = "queued"
    """It was asked for, and waits for a free place or for the run of its job that goes on."""
    RUNNING = "running"
    """Its owner is working on it; at most one run of a job is in this state."""
    SUCCEEDED = "succeeded"
    """Every cell was computed, was fresh already or has the same input as before."""
    PARTIAL = "partial"
    """Some cells failed; the others have their answers."""
    FAILED = "failed"
    """No cell was answered, or the run itself could not go on."""
    INTERRUPTED = "interrupted"
    """Its owner went away in the middle; without `finished_at` it is to be continued."""
    CANCELLED = "cancelled"
    """Somebody asked for it to stop."""


DONE = (RunStatus.SUCCEEDED, RunStatus.PARTIAL)
"""Runs that brought answers: the jobs that follow theirs have something to work with."""


class Cause(StrEnum):
    """Why a run, or one refresh, was started."""

    SCHEDULE = "schedule"
    """Its schedule's time came."""
    START = "start"
    """The server started and the schedule says `at_start`."""
    CATCH_UP = "catch_up"
    """Its schedule's time passed while nobody was there to fire it."""
    AFTER = "after"
    """The jobs that its job follows have succeeded."""
    MANUAL = "manual"
    """Somebody asked for it."""
    REFRESH = "refresh"
    """A stale answer was served and is being replaced."""


class Outcome(StrEnum):
    """What happened to one cell, or one batch of rows, in the run that touched it last."""

    COMPUTED = "computed"
    """R was called and its answer stored."""
    FRESH = "fresh"
    """The stored answer was still fresh, so R was not called."""
    SKIPPED = "skipped"
    """The stored answer was made of the same input, so R was not called; it is fresh anew."""
    FAILED = "failed"
    """Every attempt failed; an older answer, if there is one, stays."""


class MessageStatus(StrEnum):
    """Where a message about a job stands."""

    WAITING = "waiting"
    """It is to be sent, or sent again."""
    DELIVERED = "delivered"
    """Whoever it goes to has taken it."""
    GIVEN_UP = "given_up"
    """It could not be delivered for a day, or nobody is to get it any more."""
