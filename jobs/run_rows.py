"""The runs: started, taken up again, counted and closed."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from jobs.database import Database
from jobs.errors import RunEnded, RunFinished, RunInProgress, RunNotFound
from jobs.models import failures, runs
from jobs.owner import Owner, is_gone
from jobs.records import Run
from jobs.scope import NOT_FRESH, Scope
from jobs.status import DONE, Cause, RunStatus

HEARTBEAT_EACH_S = 5.0
SILENT_AFTER_S = 6 * HEARTBEAT_EACH_S


class RunRows(Database):
    """Questions about runs; part of `Catalog`."""

    def start_run(
        self,
        job: str,
        cause: Cause,
        *,
        version: str,
        scheduled_for: datetime | None = None,
        cells_total: int | None = None,
        owner: str | None = None,
        scope: Scope = NOT_FRESH,
    ) -> Run:
        """Opens a run that the calling process, or `owner`, works on.

        A run of the job that waits to be continued is closed: the new one does its work.

        Raises:
            RunInProgress: the job is being run; at most one run of it is at any time.
        """
        now = self._clock()
        row: dict[str, Any] = {
            "job": job,
            "cause": cause,
            "version": version,
            "scheduled_for": scheduled_for,
            "scope": scope.to_json(),
        }
        row |= {"status": RunStatus.RUNNING, "started_at": now, "heartbeat_at": now}
        row |= {"cells_total": cells_total, "owner": owner or str(Owner.here())}
        with self._write() as connection:
            _close_abandoned(connection, job, now)
            try:
                inserted = connection.execute(insert(runs).values(row).returning(runs.c.id))
                run_id = inserted.scalar_one()
            except IntegrityError as error:
                raise RunInProgress(job) from error
            return _one(connection, run_id)

    def resume_run(self, run_id: int, *, version: str = "", owner: str | None = None) -> Run:
        """Begins a run that waited, or takes up one whose process went away: one attempt more.

        The counts of the latter start again, for the cells are looked at again. So do the attempts
        if the last one computed anything: many of them tell of a run that does not get on, and of
        no other.

        Raises:
            RunNotFound: there is no such run.
            RunInProgress: it is not abandoned, or another run of the job goes on.
            RunEnded: it was cancelled while it waited.
        """
        now = self._clock()
        values: dict[str, Any] = {"status": RunStatus.RUNNING, "owner": owner or str(Owner.here())}
        values |= {"heartbeat_at": now, "error": None, "rate": None}
        with self._write() as connection:
            run = _one(connection, run_id)
            if run.status is RunStatus.QUEUED:
                values |= {"started_at": now, "version": version}
                _close_abandoned(connection, run.job, now)
            elif run.open and abandoned(run, now):
                values |= {"attempt": 2 if run.computed else run.attempt + 1}
                values |= dict.fromkeys(("computed", "fresh", "failed", "skipped"), 0)
                connection.execute(delete(failures).where(failures.c.run_id == run_id))
            elif run.queued_at is not None and run.status is RunStatus.CANCELLED:
                raise RunEnded(run.job, run_id)
            else:
                raise RunInProgress(run.job, run_id if run.open else None)
            try:
                connection.execute(update(runs).where(runs.c.id == run_id).values(values))
            except IntegrityError as error:
                raise RunInProgress(run.job) from error
            return _one(connection, run_id)

    def update_run(
        self,
        run_id: int,
        *,
        cells_total: int | None = None,
        computed: int | None = None,
        fresh: int | None = None,
        failed: int | None = None,
        skipped: int | None = None,
        rate: float | None = None,
        by: Run | None = None,
    ) -> Run:
        """Notes how far the run is, which is also a sign of life; returns it as it is then.

        Raises:
            RunEnded: it is no longer `by`'s: another process took it up.
        """
        counts = {"cells_total": cells_total, "computed": computed, "rate": rate}
        counts |= {"fresh": fresh, "failed": failed, "skipped": skipped}
        values = {name: count for name, count in counts.items() if count is not None}
        with self._write() as connection:
            held_run(connection, run_id, by)
            statement = update(runs).where(runs.c.id == run_id)
            connection.execute(statement.values(**values, heartbeat_at=self._clock()))
            return _one(connection, run_id)

    def finish_run(
        self, run_id: int, status: RunStatus, *, error: str | None = None, by: Run | None = None
    ) -> Run:
        """Closes the run, unless it is closed already, and returns it as it is then.

        Raises:
            RunEnded: it is no longer `by`'s: another process took it up.
        """
        with self._write() as connection:
            run = held_run(connection, run_id, by)
            return self._close(connection, run, status, error) if run.open else run

    def cancel_run(self, run_id: int, reason: str) -> Run:
        """Closes a run that waits, goes on or is to be taken up again; whoever works on it sees it.

        Raises:
            RunNotFound: there is no such run.
            RunFinished: it has ended already.
        """
        with self._write() as connection:
            run = _one(connection, run_id)
            if not run.open:
                raise RunFinished(run_id, run.status)
            return self._close(connection, run, RunStatus.CANCELLED, reason)

    def interrupt_run(
        self, run_id: int, *, error: str | None = None, by: Run | None = None
    ) -> None:
        """Leaves a running run to be continued later, by another process or this one.

        Raises:
            RunEnded: it is no longer `by`'s: another process took it up.
        """
        running = (runs.c.id == run_id) & (runs.c.status == RunStatus.RUNNING)
        values = {"status": RunStatus.INTERRUPTED, "error": error}
        with self._write() as connection:
            held_run(connection, run_id, by)
            connection.execute(update(runs).where(running).values(values))

    def interrupt_runs(self, owner: str) -> None:
        """Leaves everything that `owner` runs to be continued later."""
        mine = (runs.c.owner == owner) & (runs.c.status == RunStatus.RUNNING)
        with self._write() as connection:
            connection.execute(update(runs).where(mine).values(status=RunStatus.INTERRUPTED))

    def run(self, run_id: int) -> Run:
        """Returns one run.

        Raises:
            RunNotFound: there is none with that number.
        """
        with self._read() as connection:
            return _one(connection, run_id)

    def runs(
        self,
        *,
        job: str | Collection[str] | None = None,
        status: Collection[RunStatus] = (),
        before: int | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Returns runs, newest first; `before` is the id that the page starts below.

        `job` is whose, or a collection of them.
        """
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if job is not None:
            query = query.where(runs.c.job.in_([job] if isinstance(job, str) else job))
        if status:
            query = query.where(runs.c.status.in_(status))
        if before is not None:
            query = query.where(runs.c.id < before)
        with self._read() as connection:
            return [to_run(row) for row in connection.execute(query)]

    def last_runs(self) -> dict[str, Run]:
        """Returns the newest run of every job that ever ran."""
        newest = select(func.max(runs.c.id)).group_by(runs.c.job)
        with self._read() as connection:
            rows = connection.execute(select(runs).where(runs.c.id.in_(newest)))
            return {row.job: to_run(row) for row in rows}

    def last_done(self, jobs: Collection[str]) -> dict[str, Run]:
        """Returns the newest run of each of these jobs that brought answers, if there is one."""
        done = runs.c.job.in_(jobs) & runs.c.status.in_(DONE)
        newest = select(func.max(runs.c.id)).where(done).group_by(runs.c.job)
        with self._read() as connection:
            rows = connection.execute(select(runs).where(runs.c.id.in_(newest)))
            return {row.job: to_run(row) for row in rows}

    def running(self, job: str) -> Run | None:
        """Returns the run of this job that a living process works on, if there is one."""
        now = self._clock()
        found = self.runs(job=job, status=[RunStatus.RUNNING])
        return next((run for run in found if not abandoned(run, now)), None)

    def _close(self, connection: Connection, run: Run, status: RunStatus, error: str | None) -> Run:
        now = self._clock()
        values = {"status": status, "error": error, "finished_at": now, "heartbeat_at": now}
        connection.execute(update(runs).where(runs.c.id == run.id).values(values))
        return _one(connection, run.id)

    def jobs_begun(self) -> set[str]:
        """Returns the jobs that have a run which goes on, or is to be taken up again."""
        with self._read() as connection:
            return set(connection.scalars(select(runs.c.job).where(_is_open())))

    def abandoned_runs(self) -> list[Run]:
        """Returns the open runs that nobody works on, oldest first."""
        now = self._clock()
        with self._read() as connection:
            query = select(runs).where(_is_open()).order_by(runs.c.id)
            found = [to_run(row) for row in connection.execute(query)]
        return [run for run in found if abandoned(run, now)]


def held_run(connection: Connection, run_id: int, by: Run | None, *, locks: bool = True) -> Run:
    """Returns the run's row, which, with `locks`, nobody changes before this transaction ends.

    Raises:
        RunNotFound: there is none with that number.
        RunEnded: it is no longer `by`'s: another process took it up.
    """
    query = select(runs).where(runs.c.id == run_id)
    row = connection.execute(query.with_for_update() if locks else query).first()
    if row is None:
        raise RunNotFound(run_id)
    if by is not None and (row.owner, row.attempt) != (by.owner, by.attempt):
        raise RunEnded(row.job, run_id)
    return to_run(row)


def abandoned(run: Run, now: datetime) -> bool:
    """Returns whether an open run was left: its process ended, or is silent and out of sight.

    A process that can be seen to live keeps its run, however long its cells take.
    """
    if run.status is RunStatus.INTERRUPTED:
        return True
    gone = is_gone(run.owner)
    if gone is None:  # or it is stopped: it may come back, and finds that the run is not its own
        return now - run.heartbeat_at > timedelta(seconds=SILENT_AFTER_S)
    return gone


def _is_open() -> ColumnElement[bool]:
    unfinished = runs.c.status.in_([RunStatus.RUNNING, RunStatus.INTERRUPTED])
    return unfinished & runs.c.finished_at.is_(None)


def _close_abandoned(connection: Connection, job: str, now: datetime) -> None:
    rows = connection.execute(select(runs).where(_is_open() & (runs.c.job == job))).all()
    for run in map(to_run, rows):
        if abandoned(run, now):
            values = {"status": RunStatus.INTERRUPTED, "finished_at": now}
            connection.execute(update(runs).where(runs.c.id == run.id).values(values))


def _one(connection: Connection, run_id: int) -> Run:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if row is None:
        raise RunNotFound(run_id)
    return to_run(row)


def to_run(row: Row[Any]) -> Run:
    """Returns a row as what it stands for."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values |= {"cause": Cause(row.cause), "status": RunStatus(row.status)}
    values["scope"] = Scope.from_json(row.scope)
    return Run(**values)
