"""Rights that one process at a time may hold, each change of them one statement."""

from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, or_, select, update

from jobs.database import Database
from jobs.models import leases
from jobs.records import Lease


class LeaseRows(Database):
    """Questions about leases; part of `Catalog`.

    A holder is any text that no other process has; `str(Owner.here())` is one.
    """

    def acquire_lease(self, name: str, holder: str, *, lasts_s: float) -> bool:
        """Takes the lease when it is free, expired or the holder's own; returns whether."""
        now = self._clock()
        until = now + timedelta(seconds=lasts_s)
        statement = self._insert(leases).values(name=name, holder=holder, expires_at=until)
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": holder, "expires_at": until},
            where=or_(leases.c.holder == holder, leases.c.expires_at <= now),
        )
        with self._write() as connection:  # of an insert, PostgreSQL tells no count
            return connection.execute(statement.returning(leases.c.name)).first() is not None

    def renew_lease(self, name: str, holder: str, *, lasts_s: float) -> bool:
        """Prolongs a lease that is still the holder's; returns whether it was."""
        mine = (leases.c.name == name) & (leases.c.holder == holder)
        until = self._clock() + timedelta(seconds=lasts_s)
        with self._write() as connection:
            return _changed(connection.execute(update(leases).where(mine).values(expires_at=until)))

    def release_lease(self, name: str, holder: str) -> bool:
        """Gives the lease back if it is the holder's; returns whether it was."""
        mine = (leases.c.name == name) & (leases.c.holder == holder)
        with self._write() as connection:
            return _changed(connection.execute(delete(leases).where(mine)))

    def lease(self, name: str) -> Lease | None:
        """Returns who holds the lease and until when, None when nobody ever did."""
        with self._read() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).first()
        return None if row is None else Lease(row.name, row.holder, row.expires_at)


def _changed(result: CursorResult[Any]) -> bool:
    return result.rowcount == 1
