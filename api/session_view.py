"""Sessions as /v1 shows them to operators: what is there, and what of it is live."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from cache.clock import to_text
from cache.errors import SessionError
from cache.sessions import SessionFolder
from engine.pool import Pool


def session_views(
    sessions: SessionFolder,
    pool: Pool,
    seen: Callable[[str], bool] | None = None,
    *,
    live_only: bool,
    limit: int,
) -> list[dict[str, Any]]:
    """Returns the newest sessions, newest first; of those that are `seen`, if not all are.

    Those that are live have the memory of their process in bytes (PSS) and the time since when.

    Raises:
        EngineUnavailable: the engine does not say which are live.
    """
    live = {one["key"]: one for one in pool.info()["live"]}
    keys = filter(sessions.exists, live) if live_only else sessions.keys()
    keys = keys if seen is None else filter(seen, keys)
    newest = heapq.nlargest(limit, _dated(sessions, keys))
    return [_view(sessions, key, created_at, live.get(key)) for created_at, key in newest]


def _dated(sessions: SessionFolder, keys: Iterator[str]) -> Iterator[tuple[datetime, str]]:
    for key in keys:
        try:
            yield sessions.created_at(key), key
        except SessionError:  # it went meanwhile
            continue


def _view(
    sessions: SessionFolder, key: str, created_at: datetime, live: dict[str, Any] | None
) -> dict[str, Any]:
    try:
        manifest = sessions.open(key).manifest
        function, error = manifest.function, manifest.error
    except SessionError:
        function, error = None, None
    return {
        "key": key,
        "created_at": to_text(created_at),
        "function": function,
        "failed": error is not None,
        "size_bytes": sessions.size_bytes(key),
        "live": None
        if live is None
        else {"memory_bytes": live["pss_bytes"], "since": live["since"], "pid": live["pid"]},
    }
