"""What the lines of a spool say: calls that ended, and calls that only began."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

import orjson

from jobs.audit_record import AuditOutcome, AuditRecord


@dataclass
class SpooledCalls:
    """A part of a spool.

    Attributes:
        records: What ended, in the order of that.
        only_begun: The lines of calls whose end is not in this part, by the call.
        only_ended: Calls whose begin is not in this part, if it was written at all.
    """

    records: list[AuditRecord] = field(default_factory=list)
    only_begun: dict[int, dict[str, Any]] = field(default_factory=dict)
    only_ended: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, lines: Iterable[bytes], name: str, now: datetime) -> Self:
        """Returns what these lines say. One that cannot be read is told of by a record."""
        calls = cls()
        for text in lines:
            try:
                calls._add(orjson.loads(text))
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
                calls.records.append(_unreadable(text, name, now))
        return calls

    def _add(self, line: dict[str, Any]) -> None:
        if "missed" in line:
            told = {"operation": "audit", "outcome": AuditOutcome.LOST, "at": line["at"]}
            detail = f"{int(line['missed'])} lines could not be written"
            self.records.append(AuditRecord.of_line({**told, "detail": detail}))
            return
        call = int(line["call"])
        if line.get("begun"):
            AuditRecord.of_line({**line, "outcome": AuditOutcome.LOST})  # what it may become
            self.only_begun[call] = line
            return
        self.records.append(AuditRecord.of_line(line))
        if call in self.only_begun:
            del self.only_begun[call]
        elif line.get("was_begun", False):
            self.only_ended.append(call)


def _unreadable(text: bytes, name: str, now: datetime) -> AuditRecord:
    return AuditRecord(
        at=now,
        operation="audit",
        outcome=AuditOutcome.FAILED,
        target=name,
        detail=f"a line of a spool cannot be read: sha256 {sha256(text).hexdigest()}",
    )
