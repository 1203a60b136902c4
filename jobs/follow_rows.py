"""Which runs of the jobs that they follow `after` schedules have answered: each once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from jobs.database import Database
from jobs.models import followed, runs, schedules
from jobs.queue_rows import queue_in
from jobs.status import DONE, Cause


class FollowRows(Database):
    """Questions about what `after` schedules have answered; part of `Catalog`."""

    def mirror_followed(self, wanted: Mapping[str, tuple[str, ...]]) -> None:
        """Makes these the jobs that schedules follow, by the ids of the schedules.

        What is new begins behind the runs that have ended: those came before anybody followed.
        """
        pairs = {(schedule_id, job) for schedule_id, jobs in wanted.items() for job in jobs}
        with self._write() as connection:
            known = {(row.schedule, row.job) for row in connection.execute(select(followed))}
            for schedule_id, job in known - pairs:
                connection.execute(delete(followed).where(*_this(schedule_id, job)))
            for schedule_id, job in sorted(pairs - known):
                newest = select(func.max(runs.c.id)).where(runs.c.job == job, _is_done())
                row: dict[str, Any] = {"schedule": schedule_id, "job": job}
                row |= {"run_id": connection.scalar(newest) or 0}
                connection.execute(insert(followed).values(row))

    def followed(self) -> dict[str, dict[str, int]]:
        """Returns, by schedule and job that it follows, the last run that it has answered."""
        found: dict[str, dict[str, int]] = {}
        with self._read() as connection:
            for row in connection.execute(select(followed).order_by(followed.c.schedule)):
                found.setdefault(row.schedule, {})[row.job] = row.run_id
        return found

    def answer_runs(
        self,
        schedule_id: str,
        answered: Mapping[str, int],
        *,
        scheduled_for: datetime | None,
        skip_reason: str | None = None,
    ) -> bool:
        """Notes that the schedule fires, or is skipped, for these runs of the jobs it follows.

        A run of its own job is queued with that, unless it is skipped.

        Returns:
            Whether it does: not where somebody has answered one of them already.
        """
        now = self._clock()
        fired = {"last_fire": now, "last_scheduled": scheduled_for}
        skipped = {"last_skipped": now, "skip_reason": skip_reason}
        with self._write() as connection:
            if not all(_is_newer(connection, schedule_id, *one) for one in answered.items()):
                return False
            for job, run_id in answered.items():
                statement = update(followed).where(*_this(schedule_id, job))
                connection.execute(statement.values(run_id=run_id))
            statement = update(schedules).where(schedules.c.id == schedule_id)
            statement = statement.values(fired if skip_reason is None else skipped)
            follower: str | None = connection.scalar(statement.returning(schedules.c.job))
            if follower is not None and skip_reason is None:
                queue_in(connection, now, follower, Cause.AFTER, scheduled_for=scheduled_for)
            return True


def _this(schedule_id: str, job: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return followed.c.schedule == schedule_id, followed.c.job == job


def _is_done() -> ColumnElement[bool]:
    return runs.c.status.in_(DONE)


def _is_newer(connection: Connection, schedule_id: str, job: str, run_id: int) -> bool:
    query = select(followed.c.run_id).where(*_this(schedule_id, job)).with_for_update()
    answered = connection.scalar(query)
    return answered is not None and answered < run_id
