"""Messages about jobs, from the transaction that notes why to their arrival: each once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from jobs.database import Database
from jobs.models import alerts, outbox, runs
from jobs.records import OutboxMessage
from jobs.status import MessageStatus

KEPT_FOR: Final = timedelta(days=30)
"""How long it can be seen what became of a message."""


class OutboxRows(Database):
    """Questions about messages; part of `Catalog`."""

    def unnoticed_runs(self) -> list[int]:
        """Returns the runs that ended and of whose end nobody was told yet, in the order of that.

        A run that was taken over by another one is among them, too.
        """
        ended = runs.c.finished_at.is_not(None) & runs.c.noticed.is_(False)
        query = select(runs.c.id).where(ended).order_by(runs.c.finished_at, runs.c.id)
        with self._read() as connection:
            return [row.id for row in connection.execute(query)]

    def notice_run(self, run_id: int, messages: Mapping[str, Mapping[str, Any]]) -> bool:
        """Notes that the run's end was noticed, and puts these messages out, by channel.

        Returns:
            Whether it did: not where somebody else has.
        """
        this = (runs.c.id == run_id) & runs.c.noticed.is_(False)
        with self._write() as connection:
            statement = update(runs).where(this).values(noticed=True).returning(runs.c.job)
            job = connection.scalar(statement)
            if job is None:
                return False
            self._put_out(connection, job, run_id, messages)
            return True

    def raise_alert(
        self, job: str, since: datetime, messages: Mapping[str, Mapping[str, Any]]
    ) -> bool:
        """Notes that the job's answers are stale since then, and puts these messages out.

        Returns:
            Whether it did: not where that is noted already.
        """
        with self._write() as connection:
            noted = self._insert(alerts).values(job=job, since=since).on_conflict_do_nothing()
            if not connection.execute(noted).rowcount:
                return False
            self._put_out(connection, job, None, messages)
            return True

    def alerts(self) -> dict[str, datetime]:
        """Returns the jobs whose answers were told to be stale, and since when they are."""
        with self._read() as connection:
            return {row.job: row.since for row in connection.execute(select(alerts))}

    def end_alert(self, job: str) -> None:
        """Notes that the job's answers are fresh again."""
        with self._write() as connection:
            connection.execute(delete(alerts).where(alerts.c.job == job))

    def messages(
        self, *, status: MessageStatus | None = None, due: datetime | None = None, limit: int = 100
    ) -> list[OutboxMessage]:
        """Returns messages, oldest first; `due` those that are to be sent by then."""
        query = select(outbox).order_by(outbox.c.id).limit(limit)
        if status is not None:
            query = query.where(outbox.c.status == status)
        if due is not None:
            query = query.where(outbox.c.status == MessageStatus.WAITING, outbox.c.next_try <= due)
        with self._read() as connection:
            return [_to_message(row) for row in connection.execute(query)]

    def message_tried(
        self,
        message_id: int,
        status: MessageStatus,
        *,
        error: str | None = None,
        next_try: datetime | None = None,
    ) -> None:
        """Notes what became of an attempt to send a message."""
        now = self._clock()
        values: dict[str, Any] = {"status": status, "error": error, "next_try": next_try}
        values["ended_at"] = None if status is MessageStatus.WAITING else now
        with self._write() as connection:
            statement = update(outbox).where(outbox.c.id == message_id)
            connection.execute(statement.values(**values, attempts=outbox.c.attempts + 1))
            connection.execute(delete(outbox).where(outbox.c.ended_at < now - KEPT_FOR))

    def _put_out(
        self,
        connection: Connection,
        job: str,
        run_id: int | None,
        messages: Mapping[str, Mapping[str, Any]],
    ) -> None:
        now = self._clock()
        row = {"job": job, "run_id": run_id, "created_at": now, "next_try": now}
        for channel, message in messages.items():
            values = {**row, "channel": channel, "message": dict(message)}
            connection.execute(insert(outbox).values(**values, status=MessageStatus.WAITING))


def _to_message(row: Row[Any]) -> OutboxMessage:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return OutboxMessage(**values | {"status": MessageStatus(row.status)})
