"""The counts of a run while it goes on, and their way into its row."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Final, TypeVar

from jobs.errors import RunEnded, RunInterrupted
from jobs.records import BatchOutcome, CellOutcome, Run
from jobs.repository import Catalog
from jobs.status import RunStatus

SAVE_EACH_S: Final = 1.0
RECENTLY_S: Final = 30.0
"""The time over which the rate is taken."""
LOOK_EACH_S: Final = 0.05
WHOLE_FAILURES: Final = 1000
CUT_CONSOLE: Final = 1000
"""Characters of console kept of a failure when so many are kept whole: all may fail."""


Noted = TypeVar("Noted", CellOutcome, BatchOutcome)


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells, or rows of a rows job; `rate` is so many a second."""

    total: int
    computed: int
    fresh: int
    failed: int
    skipped: int = 0
    rate: float | None = None

    @property
    def done(self) -> int:
        """Those dealt with so far."""
        return self.computed + self.fresh + self.skipped + self.failed

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest takes at this rate; None where that cannot be told."""
        return max(0, self.total - self.done) / self.rate if self.rate else None


def no_progress(_progress: Progress) -> None:
    """Tells nobody."""


class RunRecord:
    """The counts of one run; used by the thread that runs it.

    Nothing is written once another process has taken the run up: this one was stopped, or seemed
    to have ended.

    Args:
        catalog: Where the run's row is.
        run: The row.
        tell: Is told of every step.
        stopping: Set when the run is to stop and be taken up later.
    """

    def __init__(
        self, catalog: Catalog, run: Run, *, tell: Callable[[Progress], None], stopping: Event
    ) -> None:
        self.run = run
        self.error = ""
        self.ended = Event()
        """Set, by whoever sees it, when the row says that the run has ended or is another's."""
        self._catalog = catalog
        self._tell = tell
        self._stopping = stopping
        self._saved_at = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque([(self._saved_at, 0)])
        self._failures = 0
        self.progress = Progress(0, 0, 0, 0)

    def fence(self) -> None:
        """Makes sure that answers of the run may be kept; asked by whoever keeps them.

        Raises:
            RunEnded: Somebody else took it over, or closed it and began another.
        """
        self._catalog.fence_run(self.run)

    def expect(self, total: int) -> None:
        """Notes how many cells or rows there are."""
        self.progress = Progress(total, 0, 0, 0)
        self._recent = deque([(time.monotonic(), 0)])
        self._catalog.update_run(self.run.id, cells_total=total, by=self.run)
        self._tell(self.progress)

    def note_cells(self, outcomes: Sequence[CellOutcome]) -> None:
        """Writes down what happened to cells.

        Raises:
            RunEnded: Somebody else took the run over.
        """
        self._catalog.record_cells([self._bounded(one) for one in outcomes], by=self.run)

    def note_batches(self, outcomes: Sequence[BatchOutcome]) -> None:
        """Writes down what happened to batches of rows.

        Raises:
            RunEnded: Somebody else took the run over.
        """
        self._catalog.record_batches([self._bounded(one) for one in outcomes], by=self.run)

    def add(
        self,
        *,
        computed: int = 0,
        fresh: int = 0,
        failed: int = 0,
        skipped: int = 0,
        error: str = "",
    ) -> None:
        """Counts what was done; at first, and then about once a second, it goes into the row.

        Raises:
            RunInterrupted: The run is to stop.
            RunEnded: Somebody else closed it or took it over.
            CatalogUnavailable: The row cannot be written.
        """
        now = self.progress
        self.progress = Progress(
            now.total,
            now.computed + computed,
            now.fresh + fresh,
            now.failed + failed,
            now.skipped + skipped,
        )
        self.progress = replace(self.progress, rate=self._rate())
        self.error = self.error or error
        self._tell(self.progress)
        is_first = computed and not now.computed  # a run that is killed now has got on
        is_due = time.monotonic() - self._saved_at >= SAVE_EACH_S
        if is_first or is_due or self.ended.is_set():
            self.save()
        if self._stopping.is_set():
            raise RunInterrupted(self.run.job, "the server is stopping")

    def leave_out(self, cells: int) -> None:
        """Notes that so many of those expected are none that the run was asked for."""
        if cells:
            self.progress = replace(self.progress, total=self.progress.total - cells)

    def save(self) -> None:
        """Writes the counts into the row, which is also a sign of life.

        Raises:
            RunEnded: Somebody else closed it, with these counts, or took it over.
        """
        now = self.progress
        row = self._catalog.update_run(
            self.run.id,
            cells_total=now.total,
            computed=now.computed,
            fresh=now.fresh,
            failed=now.failed,
            skipped=now.skipped,
            rate=now.rate,
            by=self.run,
        )
        self._saved_at = time.monotonic()
        if row.status is not RunStatus.RUNNING:
            self.ended.set()
            raise RunEnded(self.run.job, self.run.id)

    def pause(self, seconds: float) -> None:
        """Waits before something is tried again; not longer than the run goes on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            if self.ended.wait(min(left, LOOK_EACH_S)):
                return

    def outcome(self) -> tuple[RunStatus, str | None]:
        """How the run ended, now that all is done, and what to say of failures."""
        now = self.progress
        if not now.failed:
            return RunStatus.SUCCEEDED, None
        status = RunStatus.PARTIAL if now.failed < now.done else RunStatus.FAILED
        return status, f"{now.failed} of {now.total} failed; the first: {self.error}"

    def _rate(self) -> float | None:
        """Cells a second, over the recent past."""
        now = time.monotonic()
        self._recent.append((now, self.progress.done))
        while len(self._recent) > 2 and self._recent[1][0] < now - RECENTLY_S:
            self._recent.popleft()
        since, done_then = self._recent[0]
        return (self.progress.done - done_then) / (now - since) if now > since else None

    def _bounded(self, one: Noted) -> Noted:
        if one.failure is None:
            return one
        self._failures += 1
        if self._failures <= WHOLE_FAILURES:
            return one
        return replace(
            one, failure=replace(one.failure, console=one.failure.console[-CUT_CONSOLE:])
        )
