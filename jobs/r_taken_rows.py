"""Seconds of R that calls took, by day and name of the key."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import delete, select

from jobs.access_models import r_taken
from jobs.database import Database


class RTakenRows(Database):
    """Questions about the R that callers had; part of `Catalog`."""

    def add_r_taken(self, day: date, seconds: Mapping[str, float]) -> None:
        """Adds what was taken on a day, by name of the key."""
        with self._write() as connection:
            for name, taken_s in seconds.items():
                added = self._insert(r_taken).values(day=str(day), name=name, seconds=taken_s)
                statement = added.on_conflict_do_update(
                    index_elements=["day", "name"],
                    set_={"seconds": r_taken.c.seconds + added.excluded.seconds},
                )
                connection.execute(statement)

    def r_taken(self, day: date) -> dict[str, float]:
        """What was taken on a day, by name of the key."""
        with self._read() as connection:
            query = select(r_taken.c.name, r_taken.c.seconds).where(r_taken.c.day == str(day))
            return {row.name: row.seconds for row in connection.execute(query)}

    def forget_r_taken(self, before: date) -> None:
        """Removes what was taken on the days before one."""
        with self._write() as connection:
            connection.execute(delete(r_taken).where(r_taken.c.day < str(before)))
