"""LastSource: the source of rows read last, so that a row each does not read it each time."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cache.clock import Clock
from jobs.rows_source import Rows, RowsSource

_UNMARKED_FOR: Final = timedelta(seconds=10)
"""How long a table counts as read that cannot say whether it changed, such as a database's."""


@dataclass
class _Kept:
    """A source that was read, and how many use it."""

    mark: Hashable
    read_at: datetime
    source: RowsSource
    users: int = 0
    is_last: bool = True

    def close(self) -> None:
        """Closes it as soon as nobody uses it."""
        self.is_last = False
        if not self.users:
            self.source.close()


class LastSource:
    """Lends the source read last; for any number of threads.

    Args:
        read: Reads one.
        clock: Gives the moment.
    """

    def __init__(self, read: Callable[[Rows], RowsSource], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._turn = Lock()
        self._last: _Kept | None = None

    @contextmanager
    def of(self, rows: Rows) -> Iterator[RowsSource]:
        """The source of these rows, read again when it may have changed.

        Raises:
            RowsUnreadable, EngineError, StoreFull, StoreUnavailable: It cannot be read.
        """
        with self._turn:
            kept = self._current(rows)
            kept.users += 1
        try:
            yield kept.source
        finally:
            with self._turn:
                kept.users -= 1
                if not kept.is_last:
                    kept.close()

    def close(self) -> None:
        """Gives it up."""
        with self._turn:
            if self._last is not None:
                self._last.close()
                self._last = None

    def _current(self, rows: Rows) -> _Kept:
        kept, now, mark = self._last, self._clock(), rows.source.mark()
        if (
            kept is None
            or (kept.source.rows, kept.mark) != (rows, mark)
            or (mark is None and now - kept.read_at > _UNMARKED_FOR)
        ):
            read = _Kept(mark, now, self._read(rows))
            if kept is not None:
                kept.close()
            kept = self._last = read
        return kept
