"""/v1/sessions: what calls left behind, and whether others than their makers may read it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.call_document import ProblemDocument
from api.deps import CallerDep, ServicesDep
from api.errors import KeysNotListed
from api.session_view import session_views

router = APIRouter(prefix="/sessions", tags=["sessions"])

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDocument}}


class Sharing(BaseModel):
    """Who may read a session, beside whoever made it."""

    model_config = ConfigDict(extra="forbid")

    shared: bool = Field(description="whether every key may that calls functions", examples=[True])


@router.get("")
def list_sessions(
    services: ServicesDep,
    caller: CallerDep,
    *,
    live: Annotated[bool, Query(description="only those that are live")] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many, newest first")] = 50,
) -> dict[str, Any]:
    """Sessions, newest first, and which of them are in memory for the next call of their chain.

    One's own; to operators all. Where no keys are asked for, they are listed on loopback alone: a
    session's key is all that it takes there to read it.
    """
    if not caller.name and not services.lists_sessions:
        raise KeysNotListed
    seen = None if caller.sees_all else services.seen_by(caller).owns
    views = session_views(services.sessions, services.pool, seen, live_only=live, limit=limit)
    return {"sessions": views}


@router.patch("/{key}", responses=NOT_FOUND)
def share_session(key: str, sharing: Sharing, services: ServicesDep, caller: CallerDep) -> Sharing:
    """Lets others read a session that one has made, and name it in their calls, or no more."""
    services.seen_by(caller).own(key)
    services.sessions.share(key, shared=sharing.shared)
    return sharing
