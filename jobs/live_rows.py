"""The entries of the jobs that are live: those that a server, or a run, last took over."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from jobs.database import Database
from jobs.models import live_jobs


class LiveRows(Database):
    """Questions about live jobs; part of `Catalog`."""

    def live_entries(self) -> dict[str, Mapping[str, Any]]:
        """Returns the entry of each live job, as `jobs.entry_facts` writes it."""
        with self._read() as connection:
            rows = connection.execute(select(live_jobs).order_by(live_jobs.c.job))
            return {row.job: row.entry for row in rows}

    def set_live(self, entries: Mapping[str, Mapping[str, Any]], *, whole: bool = False) -> None:
        """Notes that these entries are live now, and no others if they are the `whole` of them."""
        statement = self._insert(live_jobs)
        statement = statement.on_conflict_do_update(
            index_elements=["job"], set_={"entry": statement.excluded.entry}
        )
        rows = [{"job": job, "entry": entry} for job, entry in entries.items()]
        with self._write() as connection:
            if whole:
                connection.execute(delete(live_jobs))
            if rows:
                connection.execute(statement, rows)
