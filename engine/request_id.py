"""The request that a thread or task works for: one name for it in API, engine, log and audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


def current_request() -> str:
    """Returns the id of the request that is worked on here; empty where none is."""
    return _current.get()


def work_for(request_id: str) -> None:
    """Notes the request for the rest of this task, or thread."""
    _current.set(request_id)


def signed(header: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is asked of another process, with the request that it is asked for."""
    return {**header, "request_id": _current.get()}


@contextmanager
def working_for(request_id: str) -> Iterator[None]:
    """Notes the request for the block."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


_current: ContextVar[str] = ContextVar("request_id", default="")
