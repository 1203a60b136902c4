"""A run is watched while it goes on: it shows life, and ends at once when its row was closed."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final

from engine.errand import Errand
from engine.errors import EngineError
from jobs.errors import CatalogError, JobError, RunEnded
from jobs.evaluator import Evaluator
from jobs.repository import Catalog
from jobs.run_record import RunRecord
from jobs.run_rows import HEARTBEAT_EACH_S
from jobs.status import RunStatus

log = logging.getLogger(__name__)

LOOK_EACH_S: Final = 0.2
"""How often it is looked whether somebody cancelled the run."""


@dataclass
class RunWatch:
    """Looks after one run from a thread of its own.

    Whoever cancels a run, in whatever process, closes its row; the calls of R that are under way
    for it are ended here. The same happens when another process took the run up.

    Attributes:
        catalog: Where the row is.
        pool: Where calls are ended.
        record: The run.
    """

    catalog: Catalog
    pool: Evaluator
    record: RunRecord
    _errand: Errand = field(default_factory=Errand)
    _done: Event = field(default_factory=Event)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watches while the block runs; what the block asks of R is ended with the run."""
        thread = Thread(target=self._look_after, name=f"run-{self.record.run.id}", daemon=True)
        thread.start()
        try:
            with self._errand.begun():
                yield
        finally:
            self._done.set()
            thread.join()

    def _look_after(self) -> None:
        beat_at = time.monotonic()
        while not self._done.wait(LOOK_EACH_S):
            beats = time.monotonic() - beat_at >= HEARTBEAT_EACH_S
            with suppress(CatalogError):  # it may answer again by the next look
                if not self._is_ours(beats=beats):
                    self.record.ended.set()
                    self._end_calls()
                    return
                beat_at = time.monotonic() if beats else beat_at

    def _is_ours(self, *, beats: bool) -> bool:
        run = self.record.run
        try:
            now = self.catalog.update_run(run.id, by=run) if beats else self.catalog.run(run.id)
        except RunEnded:
            return False
        held = (now.owner, now.attempt) == (run.owner, run.attempt)
        return held and now.status is RunStatus.RUNNING

    def _end_calls(self) -> None:
        self._errand.call_off()
        while not self._done.is_set() and (keys := self._errand.under_way()):
            for key in keys:
                # It may be on its way to the engine still: then the next round finds it there.
                with suppress(EngineError, JobError):
                    self.pool.cancel(key)
            self._done.wait(LOOK_EACH_S / 4)
