"""The audit in the catalog: rows in one chain, only added to, and shortened from its start.

Whoever adds to it holds the catalog's one right to write, so that there is one chain however many
processes and machines write. A spool's lines and how far it was read are kept in one transaction:
each line is there once, whenever a process is killed.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from jobs.audit_models import audit, audit_begun, audit_chain, audit_spools
from jobs.audit_record import (
    AuditOutcome,
    AuditRecord,
    AuditRow,
    CacheUse,
    content_of,
    hash_of,
)
from jobs.database import Database
from jobs.spooled_calls import SpooledCalls

MOST_DROPPED: Final = 200_000
"""Rows in one transaction: others want to write, too."""
RETENTION: Final = "retention"
"""The operation of a row that says which rows are not kept any more."""
_PAGE: Final = 2000


@dataclass(frozen=True)
class Chain:
    """Where the chain begins and ends.

    Attributes:
        genesis: What the first row ever was hashed behind: another in each installation.
        dropped: The last row that is not kept any more; 0 where all are.
        anchor: Its hash, or the genesis.
        last: The number of the last row.
        hash: Its hash.
    """

    genesis: str
    dropped: int
    anchor: str
    last: int
    hash: str


@dataclass(frozen=True)
class AuditFilter:
    """Which rows are wanted; None is any.

    Attributes:
        since: Those that began then or later.
        until: Those that began before.
        caller: Of this caller.
        job: About this job.
        function: About this function.
        operation: That did this.
        outcome: That ended so.
        request_id: Of this request.
    """

    since: datetime | None = None
    until: datetime | None = None
    caller: str | None = None
    job: str | None = None
    function: str | None = None
    operation: str | None = None
    outcome: AuditOutcome | None = None
    request_id: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yields what a row has to be."""
        if self.since is not None:
            yield audit.c.at >= self.since
        if self.until is not None:
            yield audit.c.at < self.until
        names = ("caller", "job", "function", "operation", "outcome", "request_id")
        for name in names:
            wanted = getattr(self, name)
            if wanted is not None:
                yield audit.c[name] == wanted


ALL: Final = AuditFilter()


class AuditRows(Database):
    """Questions about the audit; part of `Catalog`."""

    def add_audit(self, records: Sequence[AuditRecord]) -> None:
        """Adds to the chain."""
        with self._write() as connection:
            self._append(connection, records)

    def spool_offset(self, name: str) -> int:
        """Returns how much of a spool is in the chain."""
        with self._read() as connection:
            return _offset(connection, name)

    def take_spooled(self, name: str, offset: int, lines: Iterable[bytes], end: int) -> bool:
        """Adds the lines of a spool from `offset` to `end`.

        Returns:
            Whether it did: not where somebody else has.
        """
        writer = name.partition(".")[0]
        calls = SpooledCalls.read(lines, name, self._clock())
        with self._write() as connection:
            if _offset(connection, name) != offset:
                return False
            for call in calls.only_ended:
                mine = (audit_begun.c.writer == writer) & (audit_begun.c.call == call)
                connection.execute(delete(audit_begun).where(mine))
            if calls.only_begun:
                rows = [
                    {"writer": writer, "call": call, "line": line}
                    for call, line in calls.only_begun.items()
                ]
                connection.execute(insert(audit_begun), rows)
            self._append(connection, calls.records)
            noted = self._insert(audit_spools).values(name=name, offset=end)
            changed = {"offset": noted.excluded.offset}
            connection.execute(noted.on_conflict_do_update(index_elements=["name"], set_=changed))
        return True

    def end_writer(self, writer: str) -> None:
        """Notes that a writer of spools is gone: what it had begun is lost."""
        mine = audit_begun.c.writer == writer
        with self._write() as connection:
            query = select(audit_begun.c.line).where(mine).order_by(audit_begun.c.call)
            lines = [{**line, "outcome": AuditOutcome.LOST} for line in connection.scalars(query)]
            self._append(connection, [AuditRecord.of_line(line) for line in lines])
            connection.execute(delete(audit_begun).where(mine))

    def forget_spool(self, name: str) -> None:
        """Forgets how much of a spool was taken: it is not there any more."""
        with self._write() as connection:
            connection.execute(delete(audit_spools).where(audit_spools.c.name == name))

    def audit_rows(
        self, wanted: AuditFilter = ALL, *, before: int | None = None, limit: int = 50
    ) -> list[AuditRow]:
        """Returns rows, newest first; `before` those with a smaller number."""
        query = select(audit).where(*wanted.conditions()).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._read() as connection:
            return [_row(row) for row in connection.execute(query)]

    def audit_since(
        self, after: int, wanted: AuditFilter = ALL, *, upto: int | None = None
    ) -> Iterator[AuditRow]:
        """Yields rows with a larger number than `after`, oldest first, a page at a time."""
        while True:
            query = select(audit).where(audit.c.id > after, *wanted.conditions())
            if upto is not None:
                query = query.where(audit.c.id <= upto)
            with self._read() as connection:
                page = list(connection.execute(query.order_by(audit.c.id).limit(_PAGE)))
            yield from map(_row, page)
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def audit_span(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """Returns the numbers before the first row of that time, and of the last, without gaps."""
        within = list(AuditFilter(since=since, until=until).conditions())
        query = select(func.min(audit.c.id), func.max(audit.c.id)).where(*within)
        with self._read() as connection:
            first, last = connection.execute(query).one()
        return (0, 0) if first is None else (first - 1, last)

    def audit_chain(self) -> Chain | None:
        """Returns where the chain begins and ends; None where there is no row yet."""
        with self._read() as connection:
            return _chain(connection)

    def audit_hash(self, row_id: int) -> str | None:
        """Returns the hash of a row; None where there is none of that number."""
        with self._read() as connection:
            return connection.scalar(select(audit.c.hash).where(audit.c.id == row_id))

    def drop_audit(self, before: datetime) -> int:
        """Drops the oldest rows, up to the first that began at `before` or later; how many.

        A row says so, so that the chain can still be verified: its start is what that row names.
        """
        with self._write() as connection:
            chain = _chain(connection)
            kept = connection.scalar(select(func.min(audit.c.id)).where(audit.c.at >= before))
            if chain is None:
                return 0
            last = min((kept or chain.last + 1) - 1, chain.dropped + MOST_DROPPED)
            if last <= chain.dropped:
                return 0
            anchor = connection.scalar(select(audit.c.hash).where(audit.c.id == last))
            if anchor is None:  # somebody took it out: to drop what is around it would hide that
                return 0
            connection.execute(delete(audit).where(audit.c.id <= last))
            changed = update(audit_chain).values(dropped=last, anchor=anchor)
            connection.execute(changed)
            told = AuditRecord(
                at=self._clock(),
                operation=RETENTION,
                outcome=AuditOutcome.DONE,
                caller="scheduler",
                target=f"{chain.dropped + 1}-{last}",
                detail=anchor,
            )
            self._append(connection, [told])
            return last - chain.dropped

    def _append(self, connection: Connection, records: Sequence[AuditRecord]) -> None:
        if not records:
            return
        chain = _chain(connection) or self._new_chain(connection)
        number, previous, rows = chain.last, chain.hash, []
        for record in records:
            number += 1
            previous = hash_of(previous, content_of(number, record))
            rows.append({**record.values(), "id": number, "hash": previous})
        connection.execute(insert(audit), rows)
        connection.execute(update(audit_chain).values(last=number, hash=previous))

    def _new_chain(self, connection: Connection) -> Chain:
        genesis = secrets.token_hex(32)
        chain = Chain(genesis, 0, genesis, 0, genesis)
        connection.execute(insert(audit_chain).values(id=1, **vars(chain)))
        return chain


def _offset(connection: Connection, name: str) -> int:
    query = select(audit_spools.c.offset).where(audit_spools.c.name == name)
    return connection.scalar(query) or 0


def _chain(connection: Connection) -> Chain | None:
    row = connection.execute(select(audit_chain).where(audit_chain.c.id == 1)).first()
    if row is None:
        return None
    return Chain(row.genesis, row.dropped, row.anchor, row.last, row.hash)


def _row(row: Row[Any]) -> AuditRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    number, digest = values.pop("id"), values.pop("hash")
    values["outcome"] = AuditOutcome(values["outcome"])
    values["cache"] = CacheUse(values["cache"])
    return AuditRow(number, AuditRecord(**values), digest)
