"""Calls as /v1 shows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class CallState(StrEnum):
    """Where a call is."""

    WAITING = "waiting"
    """It has not begun: all places are taken, or somebody else is making the same."""
    RUNNING = "running"
    """R works on it."""
    DONE = "done"
    """Its answer is there."""
    FAILED = "failed"
    """There will be none; `problem` says why."""
    CANCELLED = "cancelled"
    """Somebody ended it."""

    @property
    def is_final(self) -> bool:
        """Whether it stays so."""
        return self not in (CallState.WAITING, CallState.RUNNING)


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str


class Accepted(BaseModel):
    """A call that goes on behind the answer."""

    key: str = Field(description="names the call, and the session that it makes")
    status: CallState = CallState.WAITING
    status_url: str
    events_url: str
    result_url: str | None = Field(
        description="where the answer will be; null while that is not certain"
    )


class CallUnderWay(BaseModel):
    """A call that waits or runs."""

    key: str
    status: CallState
    operation: str
    function: str | None = Field(description="as in stats::rnorm, where it is one")
    position: int | None = Field(None, description="while it waits: 1 is the first that came")
    waited_s: float
    running_s: float | None = None
    request_id: str = Field("", description="of the request that asked; empty where none did")
    status_url: str
    events_url: str


class CallsUnderWay(BaseModel):
    """What waits and runs now, in the order in which it came."""

    calls: list[CallUnderWay]


class CallDocument(BaseModel):
    """A call, whether it waits, runs or has ended."""

    key: str
    status: CallState
    function: str | None = None
    position: int | None = Field(None, description="while it waits: 1 is the first that came")
    waited_s: float | None = None
    running_s: float | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    console: str = Field("", description="the end of what it printed")
    console_bytes: int = Field(0, description="how much it printed in all")
    status_url: str
    events_url: str
    result_url: str | None = None
    session: str | None = Field(None, description="all that the call left")
    problem: ProblemDocument | None = Field(None, description="why it failed")


def addresses_of(key: str) -> tuple[str, str]:
    """Returns where a call's status is, and its events."""
    status_url = f"/v1/calls/{key}"
    return status_url, f"{status_url}/events"


def session_url_of(session_key: str) -> str:
    """Returns where the session is that a call left."""
    return f"/ocpu/tmp/{session_key}/"


def result_url_of(address: str, session_key: str | None) -> str | None:
    """Returns where an answer is: at a path of its own, or at `address` below its session."""
    if address.startswith("/"):
        return address
    return None if session_key is None else session_url_of(session_key) + address
