"""Token buckets shared by all processes of a machine: who may ask now, and how long not.

A bucket is two words in one small file mapped into memory: whose it is, and the moment at which it
will be full again (the "theoretical arrival time" of the generic cell rate algorithm, ATM Forum
TM 4.0). Nobody waits for a lock. Two processes that take at the same instant may both take one
token, so a flood may get a few requests more than its due, and never fewer.
"""

import fcntl
import mmap
import os
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from cache.border import disk_border

BUCKETS: Final = 1 << 16
NEIGHBOURS: Final = 8
"""Places that a bucket may have; if all are taken, the one that is full soonest gives way."""
_SIZE_BYTES: Final = BUCKETS * 16


class Taken(NamedTuple):
    """What came of asking for a token.

    Attributes:
        wait_s: Seconds until there is one; 0 where it was given.
        left: How many there are still.
        full_s: Seconds until there are as many as there can be.
    """

    wait_s: float
    left: int
    full_s: float


class Buckets:
    """The buckets; each holds as many tokens as are given in its time, and is full at first.

    Works after a fork too: parent and child see one file.

    Args:
        path: Of the file.
        clock: Seconds that only grow, the same in all processes.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Maps the file, and makes it if it is not there.

        Raises:
            StoreFull: there is no room to make it.
            StoreUnavailable: it cannot be opened.
        """
        self._clock = clock
        with disk_border(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX)
                # Written, not stretched to size: a hole met on a full disk kills by SIGBUS.
                missing = _SIZE_BYTES - os.fstat(opened).st_size
                if missing > 0:
                    os.pwrite(opened, bytes(missing), _SIZE_BYTES - missing)
                self._memory = mmap.mmap(opened, _SIZE_BYTES)
                fcntl.flock(opened, fcntl.LOCK_UN)  # the map keeps a duplicate of the file open
            finally:
                os.close(opened)
        # Aligned words: one is never seen half written.
        self._whose = memoryview(self._memory)[: BUCKETS * 8].cast("Q")
        self._full_at = memoryview(self._memory)[BUCKETS * 8 :].cast("d")

    def take(self, name: str, count: int, per_s: float) -> Taken:
        """Takes a token from a bucket that gets `count` in `per_s` seconds and holds as many."""
        now = self._clock()
        mark, place = _places(name)
        if self._whose[place] != mark:
            place = self._place(mark, place)
        full_at = self._full_at[place]
        # One that would be full later than it can be is of before the machine was started anew.
        if not now <= full_at <= now + per_s * 1.5:
            full_at = now
        interval_s = per_s / count
        after = full_at + interval_s
        wait_s = after - now - per_s
        if wait_s > interval_s * 1e-6:  # what is left by adding up is no wait
            return Taken(wait_s, 0, full_at - now)
        self._full_at[place] = after
        return Taken(0.0, int((per_s - (after - now)) / interval_s + 1e-6), after - now)

    def close(self) -> None:
        """Unmaps the file."""
        self._whose.release()
        self._full_at.release()
        self._memory.close()

    def _place(self, mark: int, first: int) -> int:
        """Where the bucket of this mark is; a new one takes the place least needed."""
        near = [(first + step) % BUCKETS for step in range(NEIGHBOURS)]
        for place in near:
            if self._whose[place] == mark:
                return place
        place = min(near, key=self._full_at.__getitem__)
        self._full_at[place] = 0.0
        self._whose[place] = mark
        return place


@lru_cache(maxsize=16_384)
def _places(name: str) -> tuple[int, int]:
    """The mark of a name, and its first place."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    mark = int.from_bytes(digest[:8], "little") or 1
    return mark, int.from_bytes(digest[8:], "little") % BUCKETS
