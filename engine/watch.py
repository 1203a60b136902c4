"""Watches over the calls that take their time: what they use together with all that they start.

The kernel holds each process to its limits; their sum is nobody's business but ours. A call that
reached a limit is killed at once, whole. Calls are over, as a rule, before anybody looks.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.broker_child import Child
from engine.errors import CpuLimit, DiskLimit, LimitReached, MemoryLimit, ProcessLimit
from engine.left_files import open_below
from engine.limits import Limits
from engine.process_tree import Process, ProcessTree, running
from engine.request_id import current_request, working_for

log = logging.getLogger(__name__)

EVERY_S = 0.25
SHORT_S = 0.2
"""Calls that run no longer than this are left alone."""
BLOCK_BYTES = 4096
"""What a file counts at least, and a folder: a million empty ones fill a disk too."""
WALK_S = 2.0
"""How long the files of a call may be looked through."""
WALK_SHARE = 20
"""The files are left alone for so many times as long as it took to look through them."""


@dataclass(eq=False)
class Watched:
    """A call under way.

    Attributes:
        child: What it runs in.
        limits: What it may use.
        folders: Where it writes.
        since: When it began, by the monotonic clock.
        cpu_before_s: Processor time that its child had used before.
        files_due: When its files are looked through next.
        reached: The limit that it was killed at.
        request_id: What it works for.
    """

    child: Child
    limits: Limits
    folders: tuple[Path, ...]
    since: float = field(default_factory=time.monotonic)
    cpu_before_s: float = 0.0
    files_due: float = 0.0
    reached: LimitReached | None = None
    request_id: str = field(default_factory=current_request)

    def end(self, limit: type[LimitReached]) -> None:
        """Kills the call and all that it started."""
        self.reached = self.limits.reached(limit)
        self.child.template.kill(self.child)

    def begin_anew(self) -> None:
        """Counts the processor time from now on: what went before was another cell's."""
        if self.limits.cpu_s is not None and (now := Process.read(self.child.pid)) is not None:
            self.cpu_before_s = now.cpu_s

    def reaches(self, processes: list[Process]) -> type[LimitReached] | None:
        """Returns the limit that it has reached; blocks while its files are looked through."""
        limits = self.limits
        tree = ProcessTree.of(self.child.pid, processes)
        if tree.takes_more(limits.memory_bytes, self.child.template.pid):
            return MemoryLimit
        if limits.cpu_s is not None and tree.cpu_s - self.cpu_before_s > limits.cpu_s:
            return CpuLimit
        if tree.threads > limits.processes + 1:
            return ProcessLimit
        return DiskLimit if self._fills_the_disk() else None

    def _fills_the_disk(self) -> bool:
        began = time.monotonic()
        if began < self.files_due:
            return False
        left = self.limits.disk_bytes
        for folder in self.folders:
            left -= size_bytes(folder, most=left, until=began + WALK_S)
        now = time.monotonic()
        self.files_due = now + WALK_SHARE * (now - began)
        return left < 0


class Watch:
    """Looks after all calls under way, in one go each time."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def over(self, child: Child, limits: Limits, *folders: Path) -> Iterator[Watched]:
        """Watches over a call as long as it runs; it is killed at a limit, which is noted."""
        watched = Watched(child, limits, folders)
        watched.begin_anew()
        self._watched.add(watched)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())
        try:
            yield watched
        finally:
            self._watched.discard(watched)

    async def _look_on(self) -> None:
        while self._watched:
            await asyncio.sleep(EVERY_S)
            started_before = time.monotonic() - SHORT_S
            long = [one for one in self._watched if one.since < started_before]
            if long:
                await self._look(long)

    async def _look(self, calls: list[Watched]) -> None:
        try:
            found = await asyncio.to_thread(_limits_reached, calls)
        except Exception:  # whatever it is, the next look may do better
            log.exception("calls not looked after")
            return
        for one, limit in found:
            if one in self._watched and one.reached is None:
                with working_for(one.request_id):
                    log.info("call killed pid=%d limit=%s", one.child.pid, limit.limit)
                one.end(limit)


def _limits_reached(calls: list[Watched]) -> list[tuple[Watched, type[LimitReached]]]:
    processes = running()
    found = ((one, one.reaches(processes)) for one in calls)
    return [(one, limit) for one, limit in found if limit is not None]


def size_bytes(folder: Path, *, most: int, until: float) -> int:
    """Returns what the files below a folder take; what is below links is not there.

    Stops at more than `most`, and at the time `until`, with what was counted.
    """
    total = 0
    pending: list[tuple[str, ...]] = [()]
    while pending and total <= most and time.monotonic() < until:
        names = pending.pop()
        try:
            place = open_below(folder, names)
        except OSError:  # it went, or was closed to everybody
            continue
        try:
            for name, status in _entries(place):
                total += max(status.st_blocks * 512, BLOCK_BYTES)
                if stat.S_ISDIR(status.st_mode):
                    pending.append((*names, name))
                if total > most:
                    break
        finally:
            os.close(place)
    return total


def _entries(place: int) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.suppress(NotADirectoryError), os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it comes and goes
                yield entry.name, entry.stat(follow_symlinks=False)
