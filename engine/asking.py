"""Asking a child: its answer, or what there is of a call that reached a limit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from engine import errors, ownership, wire
from engine.broker_child import Child
from engine.failure import raise_failure
from engine.limits import Limits
from engine.request_id import signed
from engine.templates import Templates
from engine.value_answer import PART_S
from engine.watch import Watch, Watched
from engine.worker_status import death

log = logging.getLogger(__name__)

OUR_WORDS = ("failed", "facts", "done", "index", "printed")
"""What only the broker says in an answer."""
MAKE_SESSIONS = ("evaluate", "script")
"""Operations that make one, also of a call that was killed."""
SAVING = Limits(wall_s=20)
"""Limits of the child that does."""
PRINTED_BYTES = 64 * 1024
"""How much of the end of what it printed goes with the error of a call."""

Answer = tuple[dict[str, Any], list[bytes]]


class Asking:
    """Asks children, and watches over them while they work.

    Args:
        templates: what there is to fork from.
        release: ends a child that is not needed any more.
        own_user: whether each child is a user of its own, who has to be given the call's folder.
    """

    def __init__(
        self,
        templates: Templates,
        release: Callable[[Child], None],
        *,
        own_user: bool,
    ) -> None:
        self._templates = templates
        self._release = release
        self._own_user = own_user
        self._watch = Watch()

    async def answer(self, child: Child, header: dict[str, Any]) -> Answer:
        """Returns the child's answer, or what there is of a call that reached a limit.

        An error has what the call printed before, as there is no session to tell it.

        Raises:
            LimitReached: of a call that makes no session.
            WorkerDied: the child ended without an answer.
        """
        try:
            answer, blobs = await self._answer(child, header)
        except errors.EngineError as error:
            error.printed = child.transcript.end(PRINTED_BYTES)
            raise
        if header["request"]["operation"] == "rows" and "error" in answer:
            answer["printed"] = child.transcript.end(PRINTED_BYTES)
        return answer, blobs

    async def parts(self, child: Child, header: dict[str, Any]) -> AsyncIterator[Answer]:
        """Yields the child's messages about cells that keep no session, until one says `end`.

        The time and the processor time that are allowed are those of one cell: each message begins
        them anew, as a child that has longer to work than a moment tells of what it has done.

        Raises:
            LimitReached, WorkerDied: as `answer` does; what was under way then is lost.
        """
        limits = Limits.from_wire(header["limits"])
        folder = Path(header["folder"])
        if self._own_user:
            ownership.give(folder, child.user)
        with self._watch.over(child, limits, child.home, folder) as watched:
            child.writer.write(wire.pack(header))
            is_last = False
            while not is_last:
                answer = None
                try:
                    answer = await asyncio.wait_for(wire.read(child.reader), limits.wall_s + PART_S)
                except TimeoutError:
                    watched.end(errors.EvaluationTimeout)
                try:
                    yield await self._sound(child, limits, watched, answer)
                except errors.EngineError as error:
                    error.printed = child.transcript.end(PRINTED_BYTES)
                    raise
                is_last = bool(answer is None or answer[0].get("end"))
                watched.begin_anew()

    async def _answer(self, child: Child, header: dict[str, Any]) -> Answer:
        began = time.monotonic()
        try:
            return await self._ask(child, header)
        except errors.LimitReached as limit:
            if header["request"]["operation"] not in MAKE_SESSIONS:
                raise
            await child.exited  # so that all it did is done
            try:
                answer = await self._save_killed(child, header, limit)
            except errors.EngineError as error:
                log.warning(
                    "killed call has no session folder=%s error=%s", header["folder"], error
                )
                raise limit from None
            answer |= {"limit": limit.to_wire(), "duration_s": time.monotonic() - began}
            return answer, []

    async def _save_killed(
        self, killed: Child, header: dict[str, Any], limit: errors.LimitReached
    ) -> dict[str, Any]:
        """Has another child make the session of one that was killed, of all that it told."""
        folder = header["folder"]
        if self._own_user:
            await ownership.settle(Path(folder))
        most = Limits.from_wire(header["limits"]).output_bytes
        # Messages and warnings may take as much again.
        pieces = await asyncio.to_thread(killed.transcript.pieces, 2 * most)
        request = {"operation": "save_killed", "folder": folder, "pieces": pieces}
        request["error"] = str(limit)
        saving = {"request": request, "folder": folder, "limits": SAVING.to_wire()}
        child = await self._templates.base.take()
        try:
            answer, _ = await self._ask(child, saving)
        finally:
            self._release(child)
        raise_failure(answer)
        return answer

    async def _ask(self, child: Child, header: dict[str, Any]) -> Answer:
        """Returns the child's answer; kills it at a limit.

        Raises:
            LimitReached: it reached one.
            WorkerDied: it ended without an answer.
        """
        limits = Limits.from_wire(header["limits"])
        folder = Path(header["folder"])
        if self._own_user:
            ownership.give(folder, child.user)
        places = {child.home, folder} if folder.parent != child.home else {child.home}
        with self._watch.over(child, limits, *places) as watched:
            child.writer.write(wire.pack(signed(header)))
            try:
                answer = await asyncio.wait_for(wire.read(child.reader), limits.wall_s)
            except TimeoutError:
                answer = None
                watched.end(errors.EvaluationTimeout)
        answer = await self._sound(child, limits, watched, answer)
        if self._own_user:
            await ownership.settle(folder)
        return answer

    async def _sound(
        self, child: Child, limits: Limits, watched: Watched, answer: Answer | None
    ) -> Answer:
        """Returns the answer as a child may give it; raises where there is none."""
        if watched.reached is not None:
            raise watched.reached
        if answer is None or "crashed" in answer[0]:
            if answer is not None:
                log.error("child failed pid=%d %s", child.pid, answer[0]["crashed"])
            raise death(await child.template.finish(child), limits)
        for word in OUR_WORDS:  # R code may have written the answer itself
            answer[0].pop(word, None)
        return answer
