"""RowResolution: what was found for a row of a rows job, and how good it is."""

from dataclasses import dataclass
from datetime import datetime

from cache.entry import State, Version
from cache.tables import RowAnswer
from jobs.job import Job
from jobs.rows_source import RowKey


@dataclass(frozen=True)
class RowResolution:
    """The state of a row's answer at a moment; only a miss has no answer.

    Attributes:
        state: Fresh, stale or a miss.
        job: The rows job.
        row_key: Of the row asked for, as it was asked.
        now: The moment it was looked at.
        answer: The row.
        version: The job's version at that moment, if one is known.
        computed: Whether R was just called for it.
    """

    state: State
    job: Job
    row_key: RowKey
    now: datetime
    answer: RowAnswer | None = None
    version: Version | None = None
    computed: bool = False

    @property
    def age_s(self) -> float:
        """Seconds since the row was computed; 0 for a miss."""
        return 0.0 if self.answer is None else (self.now - self.answer.computed_at).total_seconds()

    @property
    def ttl_s(self) -> float:
        """Seconds for which it is still fresh; 0 or less where it is not."""
        if self.answer is None:
            return 0.0
        ends = self.answer.fresh_until
        if self.version is not None and self.version.digest != self.answer.version:
            ends = min(ends, self.version.since)
        return (ends - self.now).total_seconds()
