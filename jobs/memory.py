"""Entries of this process, in memory: the last ones used, bounded by their bytes."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from cache.entry import Entry

_OVERHEAD_BYTES: Final = 3000  # measured: the objects around the bytes of one entry


@dataclass(frozen=True, slots=True)
class _Held:
    entry: Entry
    generation: int
    size_bytes: int


class Memory:
    """Entries by key, each with the generation that was read before the entry was.

    For any number of threads.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._turn = Lock()
        self.size_bytes = 0

    def get(self, cache_key: str, generation: int) -> Entry | None:
        """The entry, if it is remembered and nothing changed since."""
        with self._turn:
            held = self._held.get(cache_key)
            if held is None or held.generation != generation:
                return None
            self._held.move_to_end(cache_key)
            return held.entry

    def put(self, entry: Entry, generation: int) -> None:
        """Remembers the entry; those not used for longest make room."""
        size_bytes = _size_bytes(entry)
        with self._turn:
            self._drop(entry.cache_key)
            if size_bytes > self._limit_bytes // 4:  # one must not push out all the others
                return
            self._held[entry.cache_key] = _Held(entry, generation, size_bytes)
            self.size_bytes += size_bytes
            while self.size_bytes > self._limit_bytes:
                self._drop(next(iter(self._held)))

    def forget(self, cache_key: str) -> None:
        """Forgets the entry, remembered or not."""
        with self._turn:
            self._drop(cache_key)

    def _drop(self, cache_key: str) -> None:
        held = self._held.pop(cache_key, None)
        if held is not None:
            self.size_bytes -= held.size_bytes


def _size_bytes(entry: Entry) -> int:
    bodies = entry.bodies.values()
    return _OVERHEAD_BYTES + sum(
        len(body.content) + sum(map(len, body.encodings.values())) for body in bodies
    )
