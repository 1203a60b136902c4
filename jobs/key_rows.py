"""Access keys in the catalog; their texts are never there."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Update, insert, select, update

from jobs.access_key import HINT_CHARACTERS, AccessKey, digest_of
from jobs.access_models import access_keys
from jobs.database import Database
from jobs.key_errors import KeyNameTaken
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
            KeyNameTaken: a valid key has the name.
            ValueInvalid: The rate is none.
        """
        if rate is not None:
            parse_rate(rate)
        row = {
            "name": name,
            "role": role,
            "functions": list(functions),
            "jobs": list(jobs),
            "origins": list(origins),
            "rate": rate,
            "expires_at": expires_at,
            "concurrent": concurrent,
            "r_seconds": r_seconds,
        }
        named = select(access_keys).where(access_keys.c.name == name)
        with self._write() as connection:
            now = self._clock()
            taken = [key for key in map(_key, connection.execute(named)) if key.is_valid(now)]
            if taken:
                raise KeyNameTaken(name, taken[-1].id)
            return self._added(connection, secret, row)

    def replace_keys(
        self,
        secret: str,
        keys: Sequence[AccessKey],
        until: datetime,
        *,
        expires_at: datetime | None = None,
    ) -> AccessKey:
        """Stores a key that may do what the last of `keys` may; they are refused from then on.

        Where that was to expire the new one lasts as long, if no moment is given.
        """
        last = keys[-1]
        if expires_at is None and last.expires_at is not None:
            expires_at = self._clock() + (last.expires_at - last.created_at)
        row = {
            "name": last.name,
            "role": last.role,
            "functions": list(last.functions),
            "jobs": list(last.jobs),
            "origins": list(last.origins),
            "rate": last.rate,
            "expires_at": expires_at,
            "concurrent": last.concurrent,
            "r_seconds": last.r_seconds,
        }
        with self._write() as connection:
            connection.execute(_expiring([key.id for key in keys], until))
            return self._added(connection, secret, row)

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

    def note_use(self, last: dict[int, datetime]) -> None:
        """Notes when keys were last shown, by their number; an earlier moment changes nothing."""
        used = access_keys.c.last_used_at
        with self._write() as connection:
            for key_id, moment in last.items():
                older = (access_keys.c.id == key_id) & (used.is_(None) | (used < moment))
                connection.execute(update(access_keys).where(older).values(last_used_at=moment))

    def _added(self, connection: Connection, secret: str, row: dict[str, Any]) -> AccessKey:
        row |= {"digest": digest_of(secret), "hint": secret[:HINT_CHARACTERS]}
        row["created_at"] = self._clock()
        added = connection.execute(insert(access_keys).returning(access_keys), row)
        return _key(added.one())


def _expiring(ids: Collection[int], at: datetime) -> Update:
    later = access_keys.c.expires_at.is_(None) | (access_keys.c.expires_at > at)
    return update(access_keys).where(access_keys.c.id.in_(ids) & later).values(expires_at=at)


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
