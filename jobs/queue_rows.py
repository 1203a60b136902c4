"""The runs that wait: asked for through the API or by a schedule, and not yet begun."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from jobs.database import Database
from jobs.errors import RunQueueFull
from jobs.models import runs
from jobs.records import Run
from jobs.run_rows import to_run
from jobs.scope import NOT_FRESH, Scope
from jobs.status import Cause, RunStatus

MOST_QUEUED = 1000
NOBODY = ""
"""The owner of a run that nobody works on."""


class QueueRows(Database):
    """Questions about runs that wait; part of `Catalog`."""

    def queue_run(
        self,
        job: str,
        cause: Cause,
        *,
        scheduled_for: datetime | None = None,
        scope: Scope = NOT_FRESH,
    ) -> Run:
        """Notes that a run is wanted, and returns its row; the scheduler begins it.

        What waits already and was asked for the same does for both: it computes what is not fresh
        when its turn comes.

        Raises:
            RunQueueFull: too many wait already.
        """
        with self._write() as connection:
            return queue_in(
                connection, self._clock(), job, cause, scheduled_for=scheduled_for, scope=scope
            )

    def queued_runs(self) -> list[Run]:
        """Returns the runs that wait, in the order in which they were asked for."""
        query = select(runs).where(runs.c.status == RunStatus.QUEUED).order_by(runs.c.id)
        with self._read() as connection:
            return [to_run(row) for row in connection.execute(query)]


def queue_in(
    connection: Connection,
    now: datetime,
    job: str,
    cause: Cause,
    *,
    scheduled_for: datetime | None = None,
    scope: Scope = NOT_FRESH,
) -> Run:
    """As `QueueRows.queue_run`, in a transaction that does more."""
    query = select(runs).where(runs.c.status == RunStatus.QUEUED)
    waiting = [to_run(row) for row in connection.execute(query)]
    for run in waiting:
        if run.job == job and run.scope == scope:
            return _again(connection, run, scheduled_for)
    if len(waiting) >= MOST_QUEUED:
        raise RunQueueFull(len(waiting))
    row: dict[str, Any] = {"job": job, "cause": cause, "scheduled_for": scheduled_for}
    row |= {"status": RunStatus.QUEUED, "scope": scope.to_json(), "owner": NOBODY, "version": ""}
    row |= dict.fromkeys(("queued_at", "started_at", "heartbeat_at"), now)
    return to_run(connection.execute(insert(runs).values(row).returning(runs)).one())


def _again(connection: Connection, run: Run, scheduled_for: datetime | None) -> Run:
    """Has a run that waits stand for a later time of its schedule, too."""
    if scheduled_for is not None:
        this = runs.c.id == run.id
        connection.execute(update(runs).where(this).values(scheduled_for=scheduled_for))
    return to_run(connection.execute(select(runs).where(runs.c.id == run.id)).one())
