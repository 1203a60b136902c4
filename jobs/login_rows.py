"""Logins in the catalog; their tickets are never there."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from jobs.access_key import digest_of
from jobs.access_models import logins
from jobs.database import Database
from jobs.login import Login
from jobs.role import Role


class LoginRows(Database):
    """Questions about logins; part of `Catalog`."""

    def add_login(
        self,
        ticket: str,
        name: str,
        role: Role,
        *,
        expires_at: datetime,
        functions: Iterable[str] = (),
        jobs: Iterable[str] = (),
        key_id: int | None = None,
    ) -> Login:
        """Stores a login by the digest of its ticket; those that are over go."""
        now = self._clock()
        row = {
            "digest": digest_of(ticket),
            "name": name,
            "role": role,
            "functions": list(functions),
            "jobs": list(jobs),
            "key_id": key_id,
            "created_at": now,
            "expires_at": expires_at,
        }
        with self._write() as connection:
            connection.execute(delete(logins).where(logins.c.expires_at <= now))
            return _login(connection.execute(insert(logins).returning(logins), row).one())

    def login(self, ticket: str) -> Login | None:
        """The login of a ticket, also one that is over but still there."""
        with self._read() as connection:
            query = select(logins).where(logins.c.digest == digest_of(ticket))
            row = connection.execute(query).one_or_none()
            return None if row is None else _login(row)

    def logins(self) -> list[Login]:
        """Those that are not over, the newest last."""
        with self._read() as connection:
            query = select(logins).where(logins.c.expires_at > self._clock())
            rows = connection.execute(query.order_by(logins.c.created_at, logins.c.digest))
            return [_login(row) for row in rows]

    def end_login(self, ticket: str) -> bool:
        """Has a ticket refused from now on; whether there was such a login."""
        with self._write() as connection:
            statement = delete(logins).where(logins.c.digest == digest_of(ticket))
            return connection.execute(statement).rowcount > 0

    def end_logins(self, name: str) -> int:
        """Has everybody of this name sign in again; how many logins that were."""
        with self._write() as connection:
            return connection.execute(delete(logins).where(logins.c.name == name)).rowcount


def _login(row: Row[Any]) -> Login:
    return Login(
        digest=row.digest,
        name=row.name,
        role=Role(row.role),
        functions=tuple(row.functions),
        jobs=tuple(row.jobs),
        key_id=row.key_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
