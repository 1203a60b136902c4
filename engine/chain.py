"""A chain: a child that stayed after its call, and the steps forked from it that stayed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from engine.broker_child import Child


@dataclass(frozen=True)
class LiveLimits:
    """How long sessions stay live, and how many; 0 seconds is not at all."""

    idle_s: float = 60.0
    memory_bytes: int = 2**30
    most: int = 32


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Chain:
    """A child that stayed, and all that was forked from it.

    They end together: they share the folder in which they may write, and the user.

    Attributes:
        root: The child that was not forked from another step.
        owner: Whose calls it serves.
        limits: What its calls may use: what the kernel was told once cannot be widened.
        sessions: Those that stay, by key.
        running: Steps that serve a call now.
        steps: How many there were; each has a folder of its own.
        used: When it last served a call, by the monotonic clock.
        is_quiet: Set while no step runs.
    """

    root: Child
    owner: str
    limits: dict[str, Any]
    sessions: dict[str, Parked] = field(default_factory=dict)
    running: int = 0
    steps: int = 0
    used: float = field(default_factory=time.monotonic)
    is_quiet: asyncio.Event = field(default_factory=_set_event)


@dataclass(frozen=True)
class Parked:
    """A session that is live.

    Attributes:
        key: The session's.
        child: Has its objects in memory.
        chain: What it belongs to.
        depth: How many steps came before it.
        readable: The other sessions that a call forked from it may read.
        grown_bytes: How much more memory it has than its template. Nothing in it runs any more.
    """

    key: str
    child: Child
    chain: Chain
    depth: int
    readable: frozenset[str]
    grown_bytes: int = 0
    since: float = field(default_factory=time.time)
