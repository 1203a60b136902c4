"""Work that Ctrl-C ends at once, although it waits for R in threads that nothing can interrupt."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

ORDERLY_WITHIN_S = 1.0
"""So long work that was cancelled has to come to its own end: small things are then kept."""


class Cancellable(Generic[T]):
    """Runs `work` in a thread beside the main one.

    Args:
        work: What to do.
        cancel: Called by the main thread at Ctrl-C; tells the work that it is over.
    """

    def __init__(self, work: Callable[[], T], cancel: Callable[[], None]) -> None:
        self._work = work
        self._cancel = cancel
        self._done = Event()
        self._results: list[T] = []
        self._error: BaseException | None = None

    def result(self) -> T:
        """What the work returns, or raises; main thread only.

        Raises:
            KeyboardInterrupt: It was cancelled. The thread may still wait for R.
        """
        Thread(target=self._do, name="work", daemon=True).start()
        try:
            self._done.wait()
        except KeyboardInterrupt:
            self._cancel()
            self._done.wait(ORDERLY_WITHIN_S)
            raise
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _do(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the main thread
            self._error = error
        finally:
            self._done.set()
