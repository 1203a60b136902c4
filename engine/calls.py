"""Calls under way: each waits for its turn, gets a child, and is ended when its time is up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from engine import errors
from engine.admission import Admission
from engine.asking import Answer, Asking
from engine.broker_child import Child
from engine.call import Priority
from engine.call_under_way import Call
from engine.failure import failure
from engine.left_files import empty_folder
from engine.limits import Limits
from engine.live import Live
from engine.reach import beside, named_sessions
from engine.templates import Templates
from engine.worker_status import death

log = logging.getLogger(__name__)

MOST_CONSOLE_BYTES = 1_000_000
"""How much of a console is read at a time."""
RELOAD_WAIT_S = 20.0
"""How long a call waits for a template whose parent died."""


_OF_THE_PROCESS = {"memory", "disk", "processes", "cpu_time"}
"""Limits that a cell may reach by what the ones before it left behind."""


class Calls:
    """Runs calls with the children of the templates.

    Args:
        templates: what there is to fork from.
        admission: who may run now.
        live: the sessions that calls can be forked from.
        own_user: whether each child is a user of its own, who has to be given the call's folder.
    """

    def __init__(
        self, templates: Templates, admission: Admission, live: Live, *, own_user: bool
    ) -> None:
        self._templates = templates
        self._admission = admission
        self._live = live
        self._under_way: dict[str, Call] = {}
        self._taken: defaultdict[str, float] = defaultdict(float)
        self.asking = Asking(templates, self.release, own_user=own_user)
        self.count = 0
        """Calls since the start."""

    def facts(self) -> list[dict[str, Any]]:
        """Returns the calls that wait or run, in the order in which they came."""
        return [call.facts() for call in self._under_way.values()]

    def taken(self) -> dict[str, float]:
        """Returns the seconds that calls which ended held their slots, by owner; and forgets them.

        By the clock, for nobody else could have the slot; those of nobody are not counted.
        """
        taken, self._taken = self._taken, defaultdict(float)
        return dict(taken)

    def cancel(self, key: str) -> bool:
        """Ends a call, and all that it started, at once; whether there is one of this key."""
        call = self._under_way.get(key)
        if call is None:
            return False
        call.is_cancelled = True
        call.task.cancel()
        return True

    def console(self, key: str, start: int) -> tuple[bytes, int] | None:
        """Returns what a call printed and said from a place on, and the place behind it.

        None where no call of this key is there; nothing of one that waits.
        """
        call = self._under_way.get(key)
        if call is None:
            return None
        if call.child is None:
            return b"", start
        return call.child.transcript.read(start, MOST_CONSOLE_BYTES)

    async def one(self, header: dict[str, Any]) -> Answer:
        """Returns the answer to one request.

        Raises:
            EngineError: as the subclasses say.
        """
        with self.noted(header) as call:
            async with self.slot(header):
                if self._live.is_on and header.get("live") and not header["limits"]["network"]:
                    return await self._one_in_chain(header, call)
                child = await self.take(header["request"], header["limits"], call)
                try:
                    return await self.asking.answer(child, header)
                finally:
                    self.release(child)

    async def _one_in_chain(self, header: dict[str, Any], call: Call) -> Answer:
        """Runs a call in a fork of the session that it names, if that is live; lets its own stay.

        Its folder is in the child's own while it runs, so that the child cannot change what is
        stored of it afterwards.
        """
        stage = Path(header["folder"])
        named = named_sessions(header["request"], stage)
        child = await self._step(header, call, named)
        child = child or await self.take(header["request"], header["limits"], call)
        stays = False
        try:
            folder = child.home / call.key
            try:
                stage.rename(folder)
            except FileNotFoundError:
                status = await child.template.finish(child)
                raise death(status, Limits.from_wire(header["limits"])) from None
            request = {**header["request"], "folder": str(folder), "live": True}
            within = child.step_of is not None
            moved = {**header, "folder": str(folder), "request": request, "within": within}
            try:
                answer, blobs = await self.asking.answer(child, moved)
            except BaseException as error:
                # Who asked and is gone took no care of it.
                if call.is_cancelled or not isinstance(error, asyncio.CancelledError):
                    with contextlib.suppress(FileNotFoundError):
                        folder.rename(stage)
                raise
            try:
                folder.rename(stage)
            except FileNotFoundError:  # the parent died behind the answer, and all of its own went
                raise errors.ParentEnded from None
            stays = bool(answer.pop("live", False))
        finally:
            if stays:  # behind the answer, too
                self._live.park(call.key, child, call.owner, header["limits"], named)
            else:
                self._live.drop(child)
                self.release(child)
        return answer, blobs

    async def _step(self, header: dict[str, Any], call: Call, named: set[str]) -> Child | None:
        """Returns a fork of the live session that a call names, None where there is none."""
        template = self._templates.for_call(header["request"])
        parked = await self._live.find(named, call.owner, template, header["limits"])
        if parked is None:
            return None
        try:
            child = await self._live.step(parked)
        except errors.WorkerDied as error:
            log.info("session not live any more key=%s reason=%s", parked.key, error)
            return None
        self.count += 1
        call.child, call.started = child, time.monotonic()
        return child

    async def many(self, header: dict[str, Any]) -> AsyncIterator[Answer]:
        """Yields the answers of cells, which run in one child as long as it is as it was.

        After a death, and where a cell changed R so that it cannot be put back, the next gets a new
        one; so do cells that need another template. What may be due to the cells before is tried
        again in a child of its own. A child's walls are closed at its first cell: so each is told
        of the others.
        """
        cells = header["many"]
        shared = {"limits": header["limits"], "beside": beside(cells)}
        with self.noted(header | cells[0]) as call:
            async with self.slot(header):
                child: Child | None = None
                try:
                    for index, cell in enumerate(cells):
                        asked = {**cell, **shared}
                        if child is not None and self._serves(child, cell["request"]):
                            child, answer, blobs = await self._next(child, asked)
                            if child is None and may_be_of_others(answer):
                                await asyncio.to_thread(empty_folder, Path(cell["folder"]))
                                answer = {}
                        else:
                            if child is not None:
                                self.release(child)
                            child, answer, blobs = None, {}, []
                        if not answer:
                            child = await self.take(cell["request"], shared["limits"], call)
                            child, answer, blobs = await self._next(child, asked)
                        yield {**answer, "index": index}, blobs
                finally:
                    if child is not None:
                        self.release(child)

    async def _next(
        self, child: Child, asked: dict[str, Any]
    ) -> tuple[Child | None, dict[str, Any], list[bytes]]:
        """Returns the answer to one cell, and the child if it can run another."""
        try:
            answer, blobs = await self.asking.answer(child, asked)
        except errors.EngineError as error:
            answer, blobs = failure(error), []
        except BaseException:
            self.release(child)
            raise
        if answer.pop("tidy", False) and not answer.get("limit"):
            return child, answer, blobs
        self.release(child)
        return None, answer, blobs

    @asynccontextmanager
    async def slot(self, header: dict[str, Any]) -> AsyncIterator[None]:
        """Waits for the turn of a call, and holds its slot."""
        owner = header.get("owner", "")
        slot = self._admission.slot(
            Priority(header["priority"]),
            owner,
            most_running=header.get("most_running"),
            most_waiting=header.get("most_waiting"),
        )
        async with slot:
            began = time.monotonic()
            try:
                yield
            finally:
                if owner:
                    self._taken[owner] += time.monotonic() - began

    @contextmanager
    def noted(self, header: dict[str, Any]) -> Iterator[Call]:
        """Notes a call as long as it waits or runs, so that it is listed and can be cancelled."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # always in one
        key = Path(header["folder"]).name
        call = Call(key, header["request"], header.get("owner", ""), task)
        self._under_way[key] = call
        try:
            yield call
        except asyncio.CancelledError:
            if not call.is_cancelled:
                raise
            task.uncancel()
            raise errors.CallCancelled from None
        finally:
            del self._under_way[key]

    async def take(self, request: dict[str, Any], limits: dict[str, Any], call: Call) -> Child:
        """Returns a child for the call, of the template that fits."""
        self.count += 1
        call.child = await self._forked(request, network=limits["network"])
        call.started = time.monotonic()
        return call.child

    async def _forked(self, request: dict[str, Any], *, network: bool, more: int = 2) -> Child:
        template = self._templates.for_call(request)
        if template.ended.done():
            await asyncio.wait_for(self._templates.catch_up(), RELOAD_WAIT_S)
            template = self._templates.for_call(request)
        try:
            return await template.take(network=network)
        except errors.WorkerDied:  # its parent: nothing of the call has begun
            if not more:
                raise
        return await self._forked(request, network=network, more=more - 1)

    def _serves(self, child: Child, request: dict[str, Any]) -> bool:
        """Whether a child that has run one cell can run the next."""
        if child.exited.done():
            return False
        return self._templates.for_call(request) is child.template

    def release(self, child: Child) -> None:
        """Ends the child behind the answer: nobody waits for its exit."""
        asyncio.create_task(child.bury())  # noqa: RUF006  # ends by itself


def may_be_of_others(answer: dict[str, Any]) -> bool:
    """Returns whether a cell may have failed only because its process had run others."""
    limit = answer.get("limit") or {}
    return answer.get("failed") == "WorkerDied" or limit.get("limit") in _OF_THE_PROCESS
