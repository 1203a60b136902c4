"""A counter for each function, shared by all processes, that says when its answers changed.

A writer commits its entries first and bumps then; a reader reads the counter first and the store
then, and keeps the number with what it found. So an entry remembered under the present number is
never older than that number. Functions share 4096 counters: a neighbour's bump costs one read of
the store, nothing else.
"""

import fcntl
import mmap
import os
from functools import lru_cache
from pathlib import Path
from typing import Final
from zlib import crc32

from cache.border import disk_border

COUNTERS: Final = 4096
_SIZE_BYTES: Final = COUNTERS * 8


class Generations:
    """The counters, in one small file mapped into memory.

    Works after a fork too: parent and child see one file.
    """

    def __init__(self, path: Path) -> None:
        """Maps the file, and makes it if it is not there.

        Raises:
            StoreFull: there is no room to make it.
            StoreUnavailable: it cannot be opened.
        """
        self.path = path
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
                # The map keeps a duplicate of the file open, and with it the lock.
                fcntl.flock(opened, fcntl.LOCK_UN)
            finally:
                os.close(opened)
        # Aligned words: one is never seen half written.
        self._counters = memoryview(self._memory).cast("Q")

    def read(self, function: str) -> int:
        """The generation of this function's answers; 0 at first, and never smaller than before."""
        return self._counters[_counter(function)]

    def bump(self, function: str) -> None:
        """Tells every process that answers of this function changed. Commit them before.

        Raises:
            StoreUnavailable: the file cannot be locked.
        """
        # Opened anew for each bump: a lock on the shared file would not keep out other threads.
        with disk_border(self.path), self.path.open("rb+") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)
            self._counters[_counter(function)] += 1

    def close(self) -> None:
        """Unmaps the file."""
        self._counters.release()
        self._memory.close()


@lru_cache(maxsize=COUNTERS)
def _counter(function: str) -> int:
    return crc32(function.encode("utf-8", "surrogatepass")) % COUNTERS
