"""What became of each cell, and of each batch of rows, in the run that touched it last."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, delete, func, select

from jobs.failure_rows import FailureRows
from jobs.models import batches, cells, runs
from jobs.records import BatchOutcome, CellOutcome, Run
from jobs.run_rows import held_run
from jobs.status import Outcome

WRITE_ROWS = 1000  # per transaction: some ten milliseconds, so that other writers get their turn
# These describe the stored answer. A failure brings none, and the last good one stays.
OF_THE_ANSWER = {"session_key", "computed_at", "fresh_until", "duration_s"}


class CellRows(FailureRows):
    """Questions about outcomes; part of `Catalog`."""

    def record_cells(self, outcomes: Sequence[CellOutcome], *, by: Run | None = None) -> None:
        """Notes what happened to cells: one row per job and cache key, the last one counts.

        Raises:
            RunEnded: the run is no longer `by`'s: another process took it up.
        """
        self._upsert(cells, ["job", "cache_key"], outcomes, by)

    def record_batches(self, outcomes: Sequence[BatchOutcome], *, by: Run | None = None) -> None:
        """Notes what happened to batches: one row per job and first row.

        Raises:
            RunEnded: the run is no longer `by`'s: another process took it up.
        """
        self._upsert(batches, ["job", "start"], outcomes, by)

    def cell(self, job: str, cache_key: str) -> CellOutcome | None:
        """Returns what last happened to a cell, None when no run has touched it."""
        this = (cells.c.job == job) & (cells.c.cache_key == cache_key)
        with self._read() as connection:
            row = connection.execute(select(cells).where(this)).first()
        return None if row is None else _to_cell(row)

    def cells(
        self,
        job: str,
        *,
        outcome: Collection[Outcome] = (),
        run_id: int | None = None,
        after: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[CellOutcome]:
        """Returns cells of a job in the order of their keys, perhaps of one run only.

        `after` is the key behind which the page begins.
        """
        query = select(cells).where(cells.c.job == job).order_by(cells.c.cache_key)
        if after:
            query = query.where(cells.c.cache_key > after)
        if outcome:
            query = query.where(cells.c.outcome.in_(outcome))
        if run_id is not None:
            query = query.where(cells.c.run_id == run_id)
        with self._read() as connection:
            rows = connection.execute(query.limit(limit).offset(offset))
            return [_to_cell(row) for row in rows]

    def failed_cells(self, job: str) -> dict[str, datetime]:
        """Returns the keys of the cells that the last run to touch them could not compute.

        With each is the moment when that run began.
        """
        query = select(cells.c.cache_key, runs.c.started_at).join(runs, runs.c.id == cells.c.run_id)
        query = query.where((cells.c.job == job) & (cells.c.outcome == Outcome.FAILED))
        with self._read() as connection:
            return {row.cache_key: row.started_at for row in connection.execute(query)}

    def mean_duration_s(self, job: str) -> float | None:
        """Returns how long R took for a cell, or a row, of the job; None where it never did."""
        of_cells = select(func.avg(cells.c.duration_s)).where(cells.c.job == job)
        of_rows = select(func.sum(batches.c.duration_s), func.sum(batches.c.size))
        of_rows = of_rows.where((batches.c.job == job) & batches.c.duration_s.is_not(None))
        with self._read() as connection:
            mean_s: float | None = connection.scalar(of_cells)
            took_s, rows = connection.execute(of_rows).one()
        return took_s / rows if mean_s is None and rows else mean_s

    def cell_counts(self, job: str) -> dict[Outcome, int]:
        """Returns how many cells of the job ended in each way."""
        query = select(cells.c.outcome, func.count()).where(cells.c.job == job)
        with self._read() as connection:
            found = connection.execute(query.group_by(cells.c.outcome))
            return {Outcome(outcome): count for outcome, count in found}

    def batches(self, job: str) -> list[BatchOutcome]:
        """Returns the batches of a rows job, first rows first."""
        query = select(batches).where(batches.c.job == job).order_by(batches.c.start)
        with self._read() as connection:
            return [_to_batch(row) for row in connection.execute(query)]

    def forget_outcomes(self, job: str, *, but_of_run: int | None = None) -> None:
        """Removes all that is noted about the cells and batches of a job, except by one run."""
        with self._write() as connection:
            for table in (cells, batches):
                statement = delete(table).where(table.c.job == job)
                if but_of_run is not None:
                    statement = statement.where(table.c.run_id != but_of_run)
                connection.execute(statement)

    def _upsert(
        self,
        table: Table,
        key: list[str],
        outcomes: Sequence[CellOutcome | BatchOutcome],
        by: Run | None,
    ) -> None:
        statement = self._insert(table)
        changed = {}
        for column in table.c:
            new = statement.excluded[column.name]
            kept = column.name in OF_THE_ANSWER
            if column.name not in key:
                changed[column.name] = func.coalesce(new, column) if kept else new
        statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
        names = [column.name for column in table.c]
        for first in range(0, len(outcomes), WRITE_ROWS):
            some = outcomes[first : first + WRITE_ROWS]
            rows = [{name: getattr(one, name) for name in names} for one in some]
            with self._write() as connection:
                if by is not None:
                    held_run(connection, by.id, by)
                connection.execute(statement, rows)
                self._record_failures(connection, some)


def _to_cell(row: Row[Any]) -> CellOutcome:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return CellOutcome(**values | {"outcome": Outcome(row.outcome)})


def _to_batch(row: Row[Any]) -> BatchOutcome:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return BatchOutcome(**values | {"outcome": Outcome(row.outcome)})
