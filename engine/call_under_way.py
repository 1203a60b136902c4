"""One call of the broker, from its coming to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.broker_child import Child
from engine.request_id import current_request


@dataclass
class Call:
    """A call that waits or runs.

    Attributes:
        key: Names it: the key of the session that it makes.
        request: What it asks for.
        owner: Who asks.
        task: What works on it; cancelled with it.
        since: When it came, by the monotonic clock.
        started: When it got its child; None while it waits.
        child: What it runs in.
        folder: Where it works, as long as it runs.
        is_cancelled: Whether somebody wanted it to end.
        request_id: The request that it is asked for; empty where that is none.
    """

    key: str
    request: dict[str, Any]
    owner: str
    task: asyncio.Task[Any]
    since: float = field(default_factory=time.monotonic)
    started: float | None = None
    child: Child | None = None
    folder: Path | None = None
    is_cancelled: bool = False
    request_id: str = field(default_factory=current_request)

    def facts(self) -> dict[str, Any]:
        """Returns in plain values what a list of calls shows."""
        now = time.monotonic()
        return {
            "key": self.key,
            "operation": self.request["operation"],
            "package": self.request.get("package"),
            "function": self.request.get("name"),
            "owner": self.owner,
            "request_id": self.request_id,
            "waited_s": (self.started or now) - self.since,
            "running_s": None if self.started is None else now - self.started,
            "pid": None if self.child is None else self.child.pid,
        }
