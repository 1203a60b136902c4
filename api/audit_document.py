"""The audit as /v1 shows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from jobs.audit_record import AuditOutcome, AuditRow, CacheUse


class AuditRowDocument(BaseModel):
    """A call, run or command that was put on record."""

    id: int = Field(description="its number in the chain, which has no gaps")
    at: datetime = Field(description="when it began")
    operation: str = Field(description="what was done", examples=["read"])
    outcome: AuditOutcome = Field(description="how it ended")
    caller: str = Field(description="the name of the key, scheduler, or the system's user")
    key_id: int | None = Field(description="the number of the key")
    role: str | None = Field(description="the caller's role")
    address: str | None = Field(description="where the request came from")
    method: str | None
    target: str | None = Field(description="the path without its query, or what it was about")
    job: str | None
    function: str | None
    arguments_digest: str | None = Field(description="SHA-256 of the arguments in one form")
    arguments: str | None = Field(description="that form, where audit.arguments is text")
    answer: str | None = Field(description="the ETag of the answer")
    session_key: str | None = Field(description="the session that the answer is, or came from")
    version: str | None = Field(description="the begin of the digest of what made the answer")
    cache: CacheUse = Field(description="where the answer came from")
    status: int | None = Field(description="the HTTP status; null where none was sent")
    duration_us: int | None = Field(description="microseconds until the end of the answer")
    request_id: str | None
    detail: str | None
    hash: str = Field(description="of its content and the hash of the row before")


class AuditList(BaseModel):
    """Rows, newest first."""

    rows: list[AuditRowDocument]
    next: str | None = Field(description="where the rows before these are; null at the first one")


def audit_document(row: AuditRow) -> AuditRowDocument:
    """Returns a row as plain values."""
    return AuditRowDocument(id=row.id, hash=row.hash, **row.record.values())
