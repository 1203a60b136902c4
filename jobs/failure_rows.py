"""What R said of the cells, and batches of rows, that runs could not compute."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from jobs.database import Database
from jobs.models import failures, runs
from jobs.records import BatchOutcome, CellOutcome, FailedCell, Failure

KEPT_RUNS = 20
"""Runs of a job, the last ones, whose failures are kept."""


class FailureRows(Database):
    """Questions about failures; part of `Catalog`."""

    def failed_of_run(
        self, run_id: int, *, after: str = "", limit: int | None = None
    ) -> list[FailedCell]:
        """Returns what the run could not compute, by place; `after` is where the page begins."""
        query = select(failures).where((failures.c.run_id == run_id) & (failures.c.place > after))
        with self._read() as connection:
            rows = connection.execute(query.order_by(failures.c.place).limit(limit))
            return [_to_failed(row) for row in rows]

    def count_failed(self, run_id: int) -> int:
        """Returns of how many cells, or batches, of the run it is known how they failed."""
        query = select(func.count()).select_from(failures).where(failures.c.run_id == run_id)
        with self._read() as connection:
            return connection.scalar(query) or 0

    def forget_failures(self, job: str) -> None:
        """Removes the failures of all but the last runs of a job."""
        newest = select(runs.c.id).where(runs.c.job == job).order_by(runs.c.id.desc())
        with self._write() as connection:
            oldest = connection.scalar(newest.limit(1).offset(KEPT_RUNS - 1))
            if oldest is not None:
                old = (failures.c.job == job) & (failures.c.run_id < oldest)
                connection.execute(delete(failures).where(old))

    def _record_failures(
        self, connection: Connection, outcomes: Iterable[CellOutcome | BatchOutcome]
    ) -> None:
        now = self._clock()
        rows = [
            row | asdict(one.failure)
            for one in outcomes
            if one.failure is not None
            for row in [_place(one, now)]
        ]
        if not rows:
            return
        statement = self._insert(failures)
        changed = {column.name: statement.excluded[column.name] for column in failures.c}
        statement = statement.on_conflict_do_update(
            index_elements=["run_id", "place"], set_=changed
        )
        connection.execute(statement, rows)


def _place(one: CellOutcome | BatchOutcome, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"run_id": one.run_id, "job": one.job, "attempts": one.attempts}
    row |= {"failed_at": now}
    if isinstance(one, CellOutcome):
        return row | {
            "place": one.cache_key,
            "arguments": dict(one.arguments),
            "first_row": None,
            "rows": None,
        }
    return row | {
        "place": f"{one.start:012}",
        "arguments": None,
        "first_row": one.start,
        "rows": one.size,
    }


def _to_failed(row: Row[Any]) -> FailedCell:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    names = ("kind", "message", "text", "warnings", "console", "console_bytes")
    failure = {name: values.pop(name) for name in names}
    failure["warnings"] = tuple(failure["warnings"])
    return FailedCell(**values, failure=Failure(**failure))
