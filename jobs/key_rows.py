"""Access keys in the catalog; their texts are never there."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from jobs.access_key import HINT_CHARACTERS, AccessKey, digest_of
from jobs.database import Database
from jobs.models import access_keys
from jobs.rate import parse_rate
from jobs.role import Role


class KeyRows(Database):
    """Questions about access keys; part of `Catalog`."""

    def add_key(
        self,
        secret: str,
        name: str,
        role: Role,
        *,
        functions: Iterable[str] = (),
        jobs: Iterable[str] = (),
        origins: Iterable[str] = (),
        rate: str | None = None,
        expires_at: datetime | None = None,
        concurrent: int | None = None,
        r_seconds: float | None = None,
    ) -> AccessKey:
        """Stores a new key by the digest of its text.

        Raises:
            ValueInvalid: The rate is none.
        """
        if rate is not None:
            parse_rate(rate)
        row = {
            "name": name,
            "role": role,
            "digest": digest_of(secret),
            "hint": secret[:HINT_CHARACTERS],
            "functions": list(functions),
            "jobs": list(jobs),
            "origins": list(origins),
            "rate": rate,
            "created_at": self._clock(),
            "expires_at": expires_at,
            "concurrent": concurrent,
            "r_seconds": r_seconds,
        }
        with self._write() as connection:
            added = connection.execute(insert(access_keys).returning(access_keys), row)
            return _key(added.one())

    def access_keys(self) -> list[AccessKey]:
        """All that were ever made, those that are refused too, the newest last."""
        with self._read() as connection:
            rows = connection.execute(select(access_keys).order_by(access_keys.c.id))
            return [_key(row) for row in rows]

    def revoke_keys(self, ids: Collection[int]) -> int:
        """Has keys refused from now on; how many were not before."""
        which = access_keys.c.id.in_(ids) & access_keys.c.revoked_at.is_(None)
        with self._write() as connection:
            statement = update(access_keys).where(which).values(revoked_at=self._clock())
            return connection.execute(statement).rowcount

    def expire_keys(self, ids: Collection[int], at: datetime) -> None:
        """Has keys refused from a moment on, unless they are sooner."""
        later = access_keys.c.expires_at.is_(None) | (access_keys.c.expires_at > at)
        which = access_keys.c.id.in_(ids) & later
        with self._write() as connection:
            connection.execute(update(access_keys).where(which).values(expires_at=at))

    def note_use(self, last: dict[int, datetime]) -> None:
        """Notes when keys were last shown, by their number; an earlier moment changes nothing."""
        used = access_keys.c.last_used_at
        with self._write() as connection:
            for key_id, moment in last.items():
                older = (access_keys.c.id == key_id) & (used.is_(None) | (used < moment))
                connection.execute(update(access_keys).where(older).values(last_used_at=moment))


def _key(row: Row[Any]) -> AccessKey:
    return AccessKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        digest=row.digest,
        hint=row.hint,
        functions=tuple(row.functions),
        jobs=tuple(row.jobs),
        origins=tuple(row.origins),
        rate=row.rate,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        concurrent=row.concurrent,
        r_seconds=row.r_seconds,
    )
