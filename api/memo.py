"""Whole replies remembered for the rest of the current second.

Within a second the same request has the same reply, `Age` included, as long as nothing changed: so
a dashboard that many look at costs one dictionary look-up a request. Any header may matter to a
reply (encoding, validators, Host), so all of them are part of the key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from api.caller import ANYONE, Caller
from api.reply import Reply
from cache.generations import Generations
from jobs.versions import COUNTER

LARGEST_BYTES = 256 * 1024
ROOM_BYTES = 64 * 1024 * 1024

Key = tuple[Any, ...]


@dataclass(slots=True)
class _Kept:
    second: int
    function: str
    generation: int
    versions: int
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class ReplyMemo:
    """Replies by the whole request, dropped when the second ends or an answer changes.

    Args:
        generations: Tell of new answers and of new versions of jobs.
        seconds: Gives the time of day in seconds.
    """

    def __init__(self, generations: Generations, seconds: Callable[[], float] = time.time) -> None:
        self._generations = generations
        self._seconds = seconds
        self._kept: dict[Key, _Kept] = {}
        self._second = 0
        self._bytes = 0

    @staticmethod
    def key(scope: Scope, body: bytes = b"", caller: Caller = ANYONE) -> Key:
        """Returns what tells this request from any other, and who asks from who may do else."""
        return (
            scope["method"],
            scope["raw_path"],
            scope["query_string"],
            tuple(scope["headers"]),
            body,
            caller,
        )

    def mark(self, function: str) -> tuple[int, int]:
        """Returns the counters as they are now; to be taken before the answer is looked up."""
        return self._generations.read(function), self._generations.read(COUNTER)

    def get(self, key: Key) -> _Kept | None:
        """Returns the reply that was just given to the same request, if it still holds."""
        kept = self._kept.get(key)
        if kept is None or kept.second != int(self._seconds()):
            return None
        if self.mark(kept.function) != (kept.generation, kept.versions):
            return None
        return kept

    def put(self, key: Key, reply: Reply, function: str, mark: tuple[int, int]) -> None:
        """Remembers a reply of a function's fresh answer, found after `mark` was taken."""
        second = int(self._seconds())
        if second != self._second or self._bytes > ROOM_BYTES:
            self._kept.clear()
            self._second, self._bytes = second, 0
        if len(reply.body) > LARGEST_BYTES:
            return
        self._bytes += len(reply.body) + 1024
        self._kept[key] = _Kept(
            second, function, *mark, reply.status, reply.wire_headers(), reply.body
        )

    def clear(self) -> None:
        """Forgets everything: definitions changed."""
        self._kept.clear()
