"""The counts of a run while it goes on, and their way into its row."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Final

from jobs.errors import RunEnded, RunInterrupted
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import RunStatus

SAVE_EACH_S: Final = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a run is: cells, or rows of a rows job."""

    total: int
    computed: int
    fresh: int
    failed: int
    skipped: int = 0

    @property
    def done(self) -> int:
        """Those dealt with so far."""
        return self.computed + self.fresh + self.skipped + self.failed


def no_progress(_progress: Progress) -> None:
    """Tells nobody."""


class RunRecord:
    """The counts of one run; used by the thread that runs it.

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
        self._catalog = catalog
        self._tell = tell
        self._stopping = stopping
        self._saved_at = time.monotonic()
        self.progress = Progress(0, 0, 0, 0)

    def expect(self, total: int) -> None:
        """Notes how many cells or rows there are."""
        self.progress = Progress(total, 0, 0, 0)
        self._catalog.update_run(self.run.id, cells_total=total)
        self._tell(self.progress)

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
        self.error = self.error or error
        self._tell(self.progress)
        is_first = computed and not now.computed  # a run that is killed now has got on
        if is_first or time.monotonic() - self._saved_at >= SAVE_EACH_S:
            self.save()
            self._check()
        if self._stopping.is_set():
            raise RunInterrupted(self.run.job, "the server is stopping")

    def leave_out(self, cells: int) -> None:
        """Notes that so many of those expected are none that the run was asked for."""
        if cells:
            self.progress = replace(self.progress, total=self.progress.total - cells)

    def save(self) -> None:
        """Writes the counts into the row, which is also a sign of life."""
        now = self.progress
        self._catalog.update_run(
            self.run.id,
            cells_total=now.total,
            computed=now.computed,
            fresh=now.fresh,
            failed=now.failed,
            skipped=now.skipped,
        )
        self._saved_at = time.monotonic()

    def is_ours(self) -> bool:
        """Whether the row still says that this process runs it."""
        row = self._catalog.run(self.run.id)
        return row.status is RunStatus.RUNNING and row.owner == self.run.owner

    def outcome(self) -> tuple[RunStatus, str | None]:
        """How the run ended, now that all is done, and what to say of failures."""
        now = self.progress
        if not now.failed:
            return RunStatus.SUCCEEDED, None
        status = RunStatus.PARTIAL if now.failed < now.done else RunStatus.FAILED
        return status, f"{now.failed} of {now.total} failed; the first: {self.error}"

    def _check(self) -> None:
        if not self.is_ours():
            raise RunEnded(self.run.job, self.run.id)
