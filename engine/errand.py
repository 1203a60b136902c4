"""Errands: all that R does for one who waits, so that it can be called off when nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from engine.errors import CallCancelled


class Errand:
    """What the pool is asked in one thread, from `begun` on; for any number of threads to end.

    A thread serves one request, and asks R in many places. So what it asks is noted here without
    being passed on; what it leaves to other threads is part of the errand where they share its
    context.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._keys: set[str] = set()
        self._is_off = False

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Makes what this thread asks of R part of the errand."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def call_off(self) -> None:
        """Lets nothing more be asked. What is under way has to be cancelled by its key."""
        with self._turn:
            self._is_off = True

    @property
    def is_off(self) -> bool:
        """Whether it was called off."""
        return self._is_off

    def under_way(self) -> tuple[str, ...]:
        """Returns the keys of what R is asked now."""
        with self._turn:
            return tuple(self._keys)

    @contextmanager
    def noted(self, key: str) -> Iterator[None]:
        """Notes a call as long as it is waited for.

        Raises:
            CallCancelled: the errand was called off.
        """
        with self._turn:
            if self._is_off:
                raise CallCancelled
            self._keys.add(key)
        try:
            yield
        finally:
            with self._turn:
                self._keys.discard(key)


@contextmanager
def asking(key: str) -> Iterator[None]:
    """Notes a call with the errand of this thread, if it is on one.

    Raises:
        CallCancelled: the errand was called off.
    """
    errand = _current.get()
    if errand is None:
        yield
        return
    with errand.noted(key):
        yield


def is_called_off() -> bool:
    """Returns whether this thread is on an errand that was called off."""
    errand = _current.get()
    return errand is not None and errand.is_off


_current: ContextVar[Errand | None] = ContextVar("errand", default=None)
