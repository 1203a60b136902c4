"""Cells that keep no session, in the broker: many in one child, told of part by part.

What a child told of is safe. Where it ends in the middle of a part, by a crash, at a limit or
because code wanted it, the cells of that part are evaluated again, each told of by itself: that
finds the one to blame, which fails, and the others have their answers. What may be due to the cells
before is tried once more in a child of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from engine import errors
from engine.asking import Answer, Asking
from engine.call_under_way import Call
from engine.calls import Calls, may_be_of_others
from engine.failure import failure
from engine.left_files import empty_folder
from engine.reply import sense

PART_CELLS: Final = 256
"""Most cells of a part, however cheap they are."""


class ValueCalls:
    """Runs such cells.

    Args:
        calls: gives children, and knows what is under way.
        asking: asks children.
    """

    def __init__(self, calls: Calls, asking: Asking) -> None:
        self._calls = calls
        self._asking = asking

    async def answers(self, header: dict[str, Any]) -> AsyncIterator[Answer]:
        """Yields messages about the cells in their order: engine/value_answer.py reads them."""
        request = header["request"]
        count = len(request["shape"])
        done = alone_until = 0
        with self._calls.noted(header) as call:
            async with self._calls.slot(header):
                while done < count:
                    is_alone = done < alone_until
                    until = alone_until if is_alone else count
                    asked = header | {"request": _some(request, done, until)}
                    asked["at_once"] = 1 if is_alone else PART_CELLS
                    begun = done
                    try:
                        async for answer in self._in_one_child(asked, call, until - done):
                            answer[0]["first"] = done
                            done += len(answer[0]["took"])
                            yield answer
                    except errors.EngineError as error:
                        told = failure(error)
                        if not is_alone:
                            alone_until = min(done + PART_CELLS, count)
                        elif done == begun or not may_be_of_others(told):
                            yield _failed(told, done), []
                            done += 1
                    if done < count:
                        await asyncio.to_thread(empty_folder, Path(header["folder"]))

    async def _in_one_child(
        self, asked: dict[str, Any], call: Call, count: int
    ) -> AsyncIterator[Answer]:
        """Yields what a new child tells, as long as it is as it was at the first cell."""
        child = await self._calls.take(asked["request"], asked["limits"], call)
        try:
            async for answer, blobs in self._asking.parts(child, asked):
                with sense():
                    count -= _sound(answer, count)
                yield answer, blobs
        finally:
            self._calls.release(child)


def _some(request: dict[str, Any], first: int, until: int) -> dict[str, Any]:
    """Returns the request for some of its cells."""
    sizes = [len(shape) for shape in request["shapes"]]
    skipped = sum(sizes[shape] for shape in request["shape"][:first])
    shape = request["shape"][first:until]
    taken = sum(sizes[one] for one in shape)
    return request | {"shape": shape, "values": request["values"][skipped : skipped + taken]}


def _sound(answer: dict[str, Any], most: int) -> int:
    """Returns how many cells a message tells of; R code may have written it itself."""
    count = len(answer["took"])
    if not 0 < count <= most or len(answer["sizes"]) != count:
        raise errors.WorkerDied("its answer makes no sense")
    for told in answer["failures"].values():
        told.pop("failed", None)
    return count


def _failed(told: dict[str, Any], place: int) -> dict[str, Any]:
    answer = {"first": place, "took": [0.0], "sizes": [[]], "failures": {"0": told}}
    return answer | {"labels": [], "heads": {}, "unrendered": {}}
