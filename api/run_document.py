"""Runs, and their cells, as /v1 shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.records import BatchOutcome, CellOutcome, FailedCell, Run
from jobs.scope import Only, Scope
from jobs.status import Cause, Outcome, RunStatus


class RunDocument(BaseModel):
    """A run: why, when, how far, and how it ended."""

    id: int
    job: str
    cause: Cause
    status: RunStatus
    position: int | None = Field(None, description="while it waits: 1 is begun next")
    queued_at: datetime | None = Field(None, description="null if it was begun at once")
    scheduled_for: datetime | None
    started_at: datetime | None = Field(description="null while it waits")
    finished_at: datetime | None
    duration_s: float | None
    cells_total: int | None = Field(description="cells, or rows of a rows job")
    done: int = Field(description="computed, fresh, skipped and failed together")
    computed: int
    fresh: int
    skipped: int = Field(description="made of the same input as before")
    failed: int
    rate: float | None = Field(description="cells, or rows, a second over the recent past")
    left_s: float | None = Field(description="how long the rest takes at this rate")
    attempt: int = Field(description="2 and more: it was taken up again")
    scope: dict[str, Any] | None = Field(description="null: everything that is not fresh")
    error: str | None = Field(description="why it failed, or who cancelled it")
    events_url: str
    failures_url: str


class RunList(BaseModel):
    """Runs, newest first."""

    runs: list[RunDocument]


class RunRequest(BaseModel):
    """What of a job is to be computed; by default everything that is not fresh."""

    model_config = ConfigDict(extra="forbid")

    where: dict[str, list[bool | int | float | str] | bool | int | float | str] = Field(
        default_factory=dict,
        description="values that arguments may have; of a rows job, its key",
        examples=[{"treatment": "CBT", "prewt": [80, 81]}],
    )
    only: Only | None = Field(None, description="which of these; all: fresh ones too")

    def scope(self) -> Scope:
        """Returns it as runs have it."""
        where = {
            name: tuple(map(_text, value if isinstance(value, list) else [value]))
            for name, value in self.where.items()
        }
        return Scope(where, self.only)


class FailureDocument(BaseModel):
    """What R said of a cell that failed."""

    kind: str = Field(description="as RError or EvaluationTimeout")
    message: str
    text: str = Field(description="R's whole message, with the call and the calls that led there")
    warnings: list[str]
    console: str = Field(description="the end of what it printed and said")
    console_bytes: int = Field(description="how much that was in all")


class RunCell(BaseModel):
    """What a run did with a cell, or with a batch of rows."""

    place: str = Field(description="of a cell its cache key, of a batch its first row")
    arguments: dict[str, Any] | None = None
    first_row: int | None = Field(None, description="of a batch: its place in the table, from 0")
    rows: int | None = Field(None, description="of a batch: how many")
    outcome: Outcome
    attempts: int
    computed_at: datetime | None = Field(None, description="of the answer that is there now")
    duration_s: float | None = None
    session: str | None = Field(None, description="all that the call left")
    error: str | None = Field(None, description="why it failed, in short")
    failure: FailureDocument | None = Field(
        None, description="what R said; only where failed ones are asked for"
    )


class RunCells(BaseModel):
    """Cells of a run, in the order of their places."""

    cells: list[RunCell]
    next: str | None = Field(description="where the next page is; null behind the last one")


def run_document(run: Run, position: int | None = None) -> RunDocument:
    """Returns a run as it is shown; `position` is its place in the queue."""
    url = f"/v1/runs/{run.id}"
    return RunDocument(
        id=run.id,
        job=run.job,
        cause=run.cause,
        status=run.status,
        position=position,
        queued_at=run.queued_at,
        scheduled_for=run.scheduled_for,
        started_at=None if run.status is RunStatus.QUEUED else run.started_at,
        finished_at=run.finished_at,
        duration_s=run.duration_s,
        cells_total=run.cells_total,
        done=run.done,
        computed=run.computed,
        fresh=run.fresh,
        skipped=run.skipped,
        failed=run.failed,
        rate=run.rate,
        left_s=run.left_s,
        attempt=run.attempt,
        scope=run.scope.to_json(),
        error=run.error,
        events_url=f"{url}/events",
        failures_url=f"{url}/cells?outcome=failed",
    )


def failed_cell(found: FailedCell) -> RunCell:
    """Returns a cell that failed, with all that is known of that."""
    return RunCell(
        place=found.place,
        arguments=None if found.arguments is None else dict(found.arguments),
        first_row=found.first_row,
        rows=found.rows,
        outcome=Outcome.FAILED,
        attempts=found.attempts,
        error=found.failure.message,
        failure=FailureDocument(**vars(found.failure) | {"warnings": [*found.failure.warnings]}),
    )


def run_cell(found: CellOutcome | BatchOutcome) -> RunCell:
    """Returns what happened to a cell, or a batch, whatever that was."""
    facts = {name: getattr(found, name) for name in ("outcome", "attempts", "duration_s", "error")}
    facts |= {"computed_at": found.computed_at}
    if isinstance(found, BatchOutcome):
        place = f"{found.start:012}"
        return RunCell(place=place, first_row=found.start, rows=found.size, **facts)
    session = None if found.session_key is None else f"/ocpu/tmp/{found.session_key}/"
    arguments = dict(found.arguments)
    return RunCell(place=found.cache_key, arguments=arguments, session=session, **facts)


def _text(value: float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
