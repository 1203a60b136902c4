"""Rights that one process at a time may hold, each change of them one statement.

Whether a lease has run out is for each to judge by its own clock, which may differ from the
holder's: who wants it watches whether it is still renewed. Here it is only taken from the one
who was seen to hold it, and as it was seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, select, update

from jobs.database import Database
from jobs.errors import LeaseLost
from jobs.models import leases
from jobs.records import Lease

NOBODY = ""
"""The holder of a lease that was given back."""


class LeaseRows(Database):
    """Questions about leases; part of `Catalog`.

    A holder is any text that no other process has; `str(Owner.here())` is one.
    """

    def take_lease(
        self, name: str, holder: str, *, lasts_s: float, seen: Lease | None
    ) -> Lease | None:
        """Takes the lease as it was seen; None where it has changed since.

        Args:
            name: Which.
            holder: Who takes it.
            lasts_s: How long it holds without being renewed.
            seen: The lease as it is, None where there is no row of it.
        """
        until = self._clock() + timedelta(seconds=lasts_s)
        term = 1 if seen is None else seen.term + 1
        row = {"name": name, "holder": holder, "expires_at": until, "term": term}
        if seen is None:
            statement = self._insert(leases).values(row).on_conflict_do_nothing()
            with self._write() as connection:  # of an insert, PostgreSQL tells no count
                inserted = connection.execute(statement.returning(leases.c.name))
                taken = inserted.first() is not None
        else:
            same = leases.c.expires_at == seen.expires_at
            unchanged = (leases.c.name == name) & (leases.c.term == seen.term) & same
            with self._write() as connection:
                changed = update(leases).where(unchanged).values(row)
                taken = connection.execute(changed).rowcount == 1
        return Lease(name, holder, until, term) if taken else None

    def renew_lease(self, lease: Lease, *, lasts_s: float) -> Lease | None:
        """Prolongs a lease that is still the holder's; None where it is not."""
        until = self._clock() + timedelta(seconds=lasts_s)
        mine = (leases.c.name == lease.name) & (leases.c.term == lease.term)
        mine &= leases.c.holder == lease.holder
        with self._write() as connection:
            statement = update(leases).where(mine).values(expires_at=until)
            kept = connection.execute(statement).rowcount == 1
        return Lease(lease.name, lease.holder, until, lease.term) if kept else None

    def release_lease(self, lease: Lease) -> None:
        """Gives the lease back if it is the holder's still."""
        mine = (leases.c.name == lease.name) & (leases.c.term == lease.term)
        with self._write() as connection:
            connection.execute(update(leases).where(mine).values(holder=NOBODY))

    def lease(self, name: str) -> Lease | None:
        """Returns who holds the lease, or held it last; None when nobody ever did."""
        with self._read() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).first()
        return None if row is None else Lease(row.name, row.holder, row.expires_at, row.term)

    @contextmanager
    def in_the_name_of(self, lease: Lease | None) -> Iterator[None]:
        """What this thread writes in this block is only kept while the lease is held.

        A holder that was stopped for long, and wakes up, writes nothing that way: another may
        hold it by then.

        Raises:
            LeaseLost: in the block, by any method that writes.
        """

        def check(connection: Connection) -> None:
            if lease is not None:
                this = (leases.c.name == lease.name) & (leases.c.holder == lease.holder)
                query = select(leases.c.term).where(this & (leases.c.term == lease.term))
                if connection.scalar(query.with_for_update(read=True)) is not None:
                    return
            raise LeaseLost("scheduler" if lease is None else lease.name)

        with self._only_if(check):
            yield
