"""Since when a job's prepared answers are past their time."""

from datetime import datetime
from itertools import islice
from typing import Final

from jobs.job import Job
from jobs.pantry import Pantry

_AT_ONCE: Final = 1000


class FreshUntil:
    """When the first of each job's answers is fresh no more.

    Remembered until that moment, and from then on while no answer changes: a new one only moves it
    further away, and to look at all of them takes seconds where there are a hundred thousand.
    """

    def __init__(self, pantry: Pantry) -> None:
        self._pantry = pantry
        self._known: dict[str, tuple[tuple[Job, int], datetime | None]] = {}

    def of(self, job: Job) -> datetime | None:
        """The moment; None without answers. Cells and rows that never had one do not count.

        Raises:
            StoreUnavailable: The answers cannot be read.
        """
        mark = (job, self._pantry.generations.read(job.qualified))
        known_mark, first = self._known.get(job.name, (None, None))
        is_ahead = first is not None and self._pantry.clock() < first
        if known_mark is None or known_mark[0] != job or (known_mark != mark and not is_ahead):
            first = self._read(job)
            self._known[job.name] = (mark, first)
        return first

    def _read(self, job: Job) -> datetime | None:
        if job.rows is not None:
            return self._pantry.row_answers.table(job).fresh_until()
        first: datetime | None = None
        keys = (job.cache_key(cell.arguments) for cell in job.cells())
        while block := list(islice(keys, _AT_ONCE)):
            found = self._pantry.store.summaries_of(block).values()
            ends = [one.fresh_until for one in found]
            first = min([*ends, *([first] if first else [])], default=None)
        return first
