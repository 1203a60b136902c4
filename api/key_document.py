"""Access keys as /v1 shows them, and what it is asked for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from jobs.access_key import AccessKey
from jobs.key_book import NewKey
from jobs.role import Role


class KeyState(StrEnum):
    """Whether a key opens anything."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyDocument(BaseModel):
    """An access key, without its text."""

    id: int = Field(description="its number")
    name: str = Field(description="who it is for; a key and the one that takes its place share it")
    role: Role
    state: KeyState
    begins: str = Field(description="how its text begins, to recognise it by")
    functions: list[str] = Field(description="functions it may call, as stats::*; empty is all")
    jobs: list[str] = Field(description="jobs whose answers it may read; empty is all")
    origins: list[str] = Field(description="web pages it is for; empty is all that may call")
    rate: str | None = Field(description="requests in a time; null is without limit of its own")
    concurrent: int | None = Field(description="calls of it that run at a time; null: as all")
    r_seconds: float | None = Field(description="seconds of R it has in a day; null: as all")
    r_seconds_today: float = Field(description="seconds of R that its name took today (UTC)")
    created_at: datetime
    expires_at: datetime | None = Field(description="from when it is refused")
    revoked_at: datetime | None = Field(description="since when it is refused")
    last_used_at: datetime | None = Field(description="when it was last shown, to some seconds")


class KeyList(BaseModel):
    """Access keys, the newest last."""

    keys: list[KeyDocument]


class NewKeyDocument(BaseModel):
    """A key that was just made."""

    key: KeyDocument
    secret: str = Field(description="its text, which is stored nowhere and never shown again")


class KeyWish(BaseModel):
    """A key to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "dashboard", "role": "viewer", "jobs": ["churn"], "expires": "90 days"}
            ]
        },
    )

    name: str = Field(description="who it is for")
    role: str = Field(description="viewer, caller, analyst, operator or admin")
    functions: list[str] = Field([], description="patterns, as stats::*; none allows all")
    jobs: list[str] = Field([], description="patterns, as weight_*; none allows all")
    origins: list[str] = Field([], description="web pages, as https://app.example.com")
    rate: str | None = Field(None, description="as 100/minute")
    concurrent: int | None = Field(None, ge=1, description="calls that run at a time")
    r_seconds: str | None = Field(None, description="seconds of R in a day, as 3600/day")
    expires: str | None = Field(None, description="a time from now, as 90 days, or a date")


class RotationWish(BaseModel):
    """How a key is exchanged."""

    model_config = ConfigDict(extra="forbid")

    overlap: str = Field("24 hours", description="how long the old key still opens")
    expires: str | None = Field(None, description="as of a new key")


def key_document(key: AccessKey, now: datetime, taken_s: float = 0.0) -> KeyDocument:
    """Returns a key as it is shown; `taken_s` are the seconds of R that it had today."""
    state = KeyState.VALID if key.is_valid(now) else KeyState.EXPIRED
    return KeyDocument(
        id=key.id,
        name=key.name,
        role=key.role,
        state=state if key.revoked_at is None else KeyState.REVOKED,
        begins=key.hint,
        functions=list(key.functions),
        jobs=list(key.jobs),
        origins=list(key.origins),
        rate=key.rate,
        concurrent=key.concurrent,
        r_seconds=key.r_seconds,
        r_seconds_today=taken_s,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


def new_key_document(made: NewKey, now: datetime) -> NewKeyDocument:
    """Returns a new key as it is shown, once."""
    return NewKeyDocument(key=key_document(made.key, now), secret=made.secret)
