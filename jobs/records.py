"""What the catalog answers: one frozen value per row, nothing attached to a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.scope import NOT_FRESH, Scope
from jobs.status import Cause, MessageStatus, Outcome, RunStatus


@dataclass(frozen=True)
class Run:
    """One execution of a job; `attempt` counts how often it was taken up.

    `skipped` are cells whose answers were made of the same input; `noticed` says that whoever is
    to be told of its end is told. A run that waits has begun nothing: `started_at` is then when it
    was asked for. `rate` counts cells, or rows, a second.
    """

    id: int
    job: str
    cause: Cause
    status: RunStatus
    scheduled_for: datetime | None
    started_at: datetime
    finished_at: datetime | None
    version: str
    cells_total: int | None
    computed: int
    fresh: int
    failed: int
    attempt: int
    error: str | None
    owner: str
    heartbeat_at: datetime
    skipped: int = 0
    scope: Scope = NOT_FRESH
    queued_at: datetime | None = None
    rate: float | None = None
    noticed: bool = False

    @property
    def open(self) -> bool:
        """Whether it is being worked on, or waits to be begun or taken up again."""
        return self.finished_at is None

    @property
    def left_s(self) -> float | None:
        """Seconds until it will have ended at its rate; None where that cannot be told."""
        if self.status is not RunStatus.RUNNING or not self.rate or self.cells_total is None:
            return None
        return max(0, self.cells_total - self.done) / self.rate

    @property
    def done(self) -> int:
        """Cells dealt with so far."""
        return self.computed + self.fresh + self.skipped + self.failed

    @property
    def duration_s(self) -> float | None:
        """Seconds from its first start to its end; None while it is open."""
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class Failure:
    """What R said of a cell, or a batch of rows, that failed.

    Attributes:
        kind: The name of the error's class, `RError` or `EvaluationTimeout`.
        message: What went wrong, in short.
        text: R's whole message, with the call and the calls that led there.
        warnings: Those it gave before.
        console: The end of what it printed and said.
        console_bytes: How much that was in all.
    """

    kind: str
    message: str
    text: str = ""
    warnings: tuple[str, ...] = ()
    console: str = ""
    console_bytes: int = 0


@dataclass(frozen=True)
class FailedCell:
    """A cell, or a batch of rows, that a run could not compute: which one, and what R said.

    A cell has its `arguments`, a batch the place of its `first_row` in the source and its `rows`.
    `place` tells it from the others of its run, and is what they are ordered by.
    """

    run_id: int
    place: str
    job: str
    arguments: Mapping[str, Any] | None
    first_row: int | None
    rows: int | None
    attempts: int
    failed_at: datetime
    failure: Failure


@dataclass(frozen=True)
class CellOutcome:
    """What the last run that touched a cell did with it.

    `arguments` are plain JSON values; `session_key`, `computed_at` and `fresh_until` describe
    the answer that is stored now, which a failure leaves in place.
    """

    job: str
    cache_key: str
    arguments: Mapping[str, Any]
    outcome: Outcome
    run_id: int
    session_key: str | None = None
    computed_at: datetime | None = None
    fresh_until: datetime | None = None
    duration_s: float | None = None
    attempts: int = 1
    error: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """What the last run did with `size` rows of a rows job, counted from row `start`."""

    job: str
    start: int
    size: int
    outcome: Outcome
    run_id: int
    computed_at: datetime | None = None
    duration_s: float | None = None
    attempts: int = 1
    error: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule as the scheduler last mirrored it; `id` is the job's name, `#` and its place."""

    id: str
    job: str
    kind: str
    text: str
    timezone: str
    enabled: bool = True
    next_fire: datetime | None = None
    last_fire: datetime | None = None
    last_scheduled: datetime | None = None
    last_skipped: datetime | None = None
    skip_reason: str | None = None


@dataclass(frozen=True)
class JobVersion:
    """A definition of a job and since when it is, or was, the current one."""

    job: str
    digest: str
    since: datetime
    definition: Mapping[str, Any] = field(default_factory=dict)

    def differences(self, definition: Mapping[str, Any]) -> tuple[str, ...]:
        """The parts in which another definition is not the same."""
        names = dict.fromkeys([*self.definition, *definition])
        return tuple(n for n in names if self.definition.get(n) != definition.get(n))


@dataclass(frozen=True)
class OutboxMessage:
    """A message about a job on its way to those who are to be told.

    `channel` is how it goes; `error` why it has not arrived, or never will.
    """

    id: int
    job: str
    run_id: int | None
    channel: str
    message: Mapping[str, Any]
    created_at: datetime
    status: MessageStatus
    attempts: int = 0
    next_try: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class Lease:
    """A right that one process holds until it expires or is given back.

    `term` counts the times that it was taken: what is done in an earlier one than the last is void.
    """

    name: str
    holder: str
    expires_at: datetime
    term: int = 0
