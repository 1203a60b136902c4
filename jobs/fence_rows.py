"""Fences of runs: whether what a run computed may still be kept."""

from sqlalchemy import exists, select

from jobs.database import Database
from jobs.errors import RunEnded
from jobs.models import runs
from jobs.records import Run
from jobs.run_rows import held_run
from jobs.status import RunStatus


class FenceRows(Database):
    """The question whether a run may keep answers; part of `Catalog`."""

    def fence_run(self, run: Run) -> None:
        """Makes sure that the run is still its process's, and that no later one computes the same.

        One that was cancelled, or failed, keeps what it has computed until another begins.

        Raises:
            RunEnded: It is not.
        """
        later = (runs.c.job == run.job) & (runs.c.id > run.id)
        later &= runs.c.status != RunStatus.QUEUED
        with self._read() as connection:
            now = held_run(connection, run.id, run, locks=False)
            if not now.open and connection.scalar(select(exists().where(later))):
                raise RunEnded(run.job, run.id)
