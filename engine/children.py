"""The children of one forking parent: which there are, and what is left when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from engine.broker_child import Child
from engine.homes import homes_of
from engine.left_files import remove_tree
from engine.processes import has_ended

DEATH_CHECK_S = 0.01
DEATH_LIMIT_S = 2.0


class Children:
    """Those that are alive, as far as the parent has told.

    Args:
        work: the folder of the children's own folders.
    """

    def __init__(self, work: Path) -> None:
        self._work = work
        self._alive: dict[int, Child] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(self._alive.values())

    def add(self, child: Child) -> None:
        """Notes one that is there now."""
        self._alive[child.pid] = child

    def remove(self, pid: int) -> Child | None:
        """Returns one that ended; None if it is not known."""
        return self._alive.pop(pid, None)

    async def clear_away(self, parent_pid: int) -> None:
        """Leaves nothing of them: they die with their parent, but a moment later.

        Of the last one that it forked it may have said nothing.
        """
        homes = homes_of(self._work, parent_pid)
        pids = {*self._alive, *homes}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEATH_LIMIT_S):
                while not all(map(has_ended, pids)):  # noqa: ASYNC110  # not our children
                    await asyncio.sleep(DEATH_CHECK_S)
        known, self._alive = self._alive, {}
        for child in known.values():
            child.note_exit(signal.SIGKILL)
        for pid in homes.keys() - known.keys():
            await asyncio.to_thread(remove_tree, homes[pid])
