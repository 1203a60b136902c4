"""The schedules as readable rows: what the scheduler last knew and will do next."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from jobs.database import Database
from jobs.errors import ScheduleNotFound
from jobs.models import schedules
from jobs.queue_rows import queue_in
from jobs.records import Run, ScheduleRow
from jobs.status import Cause

DEFINED = ("job", "kind", "text", "timezone", "next_fire")  # by the project; the rest is history


class ScheduleRows(Database):
    """Questions about schedules; part of `Catalog`."""

    def mirror_schedules(self, rows: Iterable[ScheduleRow]) -> None:
        """Makes `rows` the schedules there are; history and `enabled` of known ones stay."""
        wanted = [asdict(row) for row in rows]
        statement = self._insert(schedules)
        statement = statement.on_conflict_do_update(
            index_elements=["id"], set_={name: statement.excluded[name] for name in DEFINED}
        )
        ids = [row["id"] for row in wanted]
        with self._write() as connection:
            known = connection.scalars(select(schedules.c.id)).all()
            gone = set(known).difference(ids)
            for schedule_id in gone:
                connection.execute(delete(schedules).where(schedules.c.id == schedule_id))
            if wanted:
                connection.execute(statement, wanted)

    def schedule(self, schedule_id: str) -> ScheduleRow:
        """Returns one schedule.

        Raises:
            ScheduleNotFound: there is none with that id.
        """
        with self._read() as connection:
            row = connection.execute(select(schedules).where(schedules.c.id == schedule_id)).first()
        if row is None:
            raise ScheduleNotFound(schedule_id)
        return _to_schedule(row)

    def schedules(self, job: str | None = None) -> list[ScheduleRow]:
        """Returns the schedules of one job, or of all, by id."""
        query = select(schedules).order_by(schedules.c.id)
        if job is not None:
            query = query.where(schedules.c.job == job)
        with self._read() as connection:
            return [_to_schedule(row) for row in connection.execute(query)]

    def fire_schedule(
        self,
        schedule_id: str,
        cause: Cause,
        *,
        scheduled_for: datetime | None,
        next_fire: datetime | None,
    ) -> Run:
        """Notes that the schedule fires now, and queues its run: both, or neither.

        Args:
            schedule_id: Which schedule.
            cause: Why it fires.
            scheduled_for: The time for which it does.
            next_fire: When it fires next.
        """
        now = self._clock()
        values = {"last_fire": now, "last_scheduled": scheduled_for, "next_fire": next_fire}
        with self._write() as connection:
            job = _mark(connection, schedule_id, values)
            return queue_in(connection, now, job, cause, scheduled_for=scheduled_for)

    def mark_skipped(self, schedule_id: str, *, reason: str, next_fire: datetime | None) -> None:
        """Notes that the schedule's time has come and nothing was started, and why."""
        values = {"last_skipped": self._clock(), "skip_reason": reason, "next_fire": next_fire}
        with self._write() as connection:
            _mark(connection, schedule_id, values)

    def enable_schedule(self, schedule_id: str, *, enabled: bool) -> None:
        """Lets the schedule fire, or keeps it from firing until it is enabled again."""
        with self._write() as connection:
            _mark(connection, schedule_id, {"enabled": enabled})


def _mark(connection: Connection, schedule_id: str, values: dict[str, Any]) -> str:
    """Changes a row; returns whose schedule it is."""
    statement = update(schedules).where(schedules.c.id == schedule_id).values(values)
    job: str | None = connection.scalar(statement.returning(schedules.c.job))
    if job is None:
        raise ScheduleNotFound(schedule_id)
    return job


def _to_schedule(row: Row[Any]) -> ScheduleRow:
    return ScheduleRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
