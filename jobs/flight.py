"""Single flight: however many ask for the same thing at once, one of them makes it.

Within a process they share one Future. Between processes they take turns by a lock on one byte of
one file, at a place that follows from the key: different keys never wait for each other, nothing is
left behind, and the lock of a process that dies is gone with it. (Locks of the kind OFD belong to
an open file, so that they keep threads apart as well.)
"""

import fcntl
import logging
import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import RLock
from typing import Any, Final, TypeVar

from cache.border import disk_border
from engine.asker import Asker, asked_by, current_asker
from engine.asker_errors import AskerRefused
from engine.request_id import current_request, working_for

log = logging.getLogger(__name__)

T = TypeVar("T")

_LAST_BYTE: Final = 2**62 - 1
_LIVE_THREADS: Final = 320
"""They only wait for the engine, which has its own queue with fair shares: so there are as many as
can wait for flights in one process, or who came first would keep out who is to come next."""
_BEHIND_THREADS: Final = 4


class Flights:
    """What is being made now, in this process and beside it.

    Args:
        path: Of the lock file; one for all processes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = RLock()
        self._flying: dict[str, Future[Any]] = {}
        self._refreshing: set[str] = set()
        self._live = ThreadPoolExecutor(_LIVE_THREADS, "flight")
        self._behind = ThreadPoolExecutor(_BEHIND_THREADS, "behind")

    def launch(self, key: str, make: Callable[[], T]) -> "Future[T]":
        """What `make` gives, made once for all who ask before it is there; returns at once.

        `make` is called by another thread, when no other process makes a thing of this key, and
        should first look whether one has just been made. R is asked on behalf of whoever began it.
        The Future cannot be cancelled, for others may wait for it too.
        """
        with self._turn:
            if key in self._flying:
                return self._flying[key]
            submitted = self._live.submit(self._alone, key, _for_request(make), current_asker())
            flight: Future[T] = Future()
            flight.set_running_or_notify_cancel()
            self._flying[key] = flight
            submitted.add_done_callback(lambda done: self._land(key, flight, done))
            return flight

    def launch_behind(self, key: str, make: Callable[[], object]) -> bool:
        """Has a thing made for which nobody waits; whether it was started.

        Nothing happens where the same is being made, here or by another process. Who asks for it
        meanwhile by `launch` waits for the lock, not for this. An error goes to the log.
        """
        with self._turn:
            if key in self._flying or key in self._refreshing:
                return False
            submitted = self._behind.submit(self._if_free, key, _for_request(make))
            self._refreshing.add(key)
            submitted.add_done_callback(lambda done: self._refreshed(key, done))
            return True

    def close(self) -> None:
        """Waits for what is being made, and starts nothing more."""
        self._behind.shutdown(wait=False, cancel_futures=True)
        self._live.shutdown()
        self._behind.shutdown()

    def _land(self, key: str, flight: "Future[T]", done: "Future[T]") -> None:
        with self._turn:  # first: who asks from here on finds the thing where it is kept
            del self._flying[key]
        error = done.exception()
        if error is None:
            flight.set_result(done.result())
        else:
            flight.set_exception(error)

    def _refreshed(self, key: str, done: "Future[None]") -> None:
        with self._turn:
            self._refreshing.discard(key)
        error = None if done.cancelled() else done.exception()
        if error is not None:  # nobody waits who could be told
            log.error("not made key=%s", key, exc_info=error)

    def _alone(self, key: str, make: Callable[[], T], asker: Asker) -> T:
        with self._locked(key, wait=True), asked_by(asker):
            return make()

    def _if_free(self, key: str, make: Callable[[], object]) -> None:
        with self._locked(key, wait=False) as free:
            if free:
                make()

    @contextmanager
    def _locked(self, key: str, *, wait: bool) -> Iterator[bool]:
        """Whether the lock is held; False only where it was not to be waited for."""
        place = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") & _LAST_BYTE
        lock = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
        with disk_border(self._path):
            opened = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield self._lock(opened, lock, wait=wait)
        finally:
            os.close(opened)  # and with it the lock

    def _lock(self, opened: int, lock: bytes, *, wait: bool) -> bool:
        with disk_border(self._path):
            try:
                fcntl.fcntl(opened, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, lock)
            except BlockingIOError:
                return False
        return True


def landed(begin: "Callable[[], Future[T]]") -> T:
    """What the flight gives that `begin` launches or joins; blocks.

    One that was refused to whoever began it is begun again by those who only joined it.
    """
    while True:
        try:
            return begin().result()
        except AskerRefused as error:
            if error.owner == current_asker().name:
                raise


def _for_request(make: Callable[[], T]) -> Callable[[], T]:
    """Returns what does the same in another thread, and nothing else of this one's context.

    In the name of the first who asked: of others who wait for it too, the log tells nothing.
    """
    request_id = current_request()

    def made() -> T:
        with working_for(request_id):
            return make()

    return made
