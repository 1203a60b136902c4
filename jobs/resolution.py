"""Resolution: what was found for a call, and how good it is."""

from dataclasses import dataclass
from datetime import datetime

from cache.entry import Entry, State, Version
from jobs.call import Call
from jobs.job import Job


@dataclass(frozen=True)
class Resolution:
    """The state of a call's answer at a moment: the same object for a hit and a finished miss.

    Attributes:
        state: Fresh, stale or a miss; only a miss has no entry.
        job: The job under which the call is answered, or would be run.
        call: What was asked.
        cache_key: Of the answer.
        now: The moment it was looked at.
        entry: The answer.
        version: The job's version at that moment, if one is known.
        computed: Whether R was just called for it.
        stored: Whether it was kept; False where the disk had no room for a computed answer.
    """

    state: State
    job: Job
    call: Call
    cache_key: str
    now: datetime
    entry: Entry | None = None
    version: Version | None = None
    computed: bool = False
    stored: bool = True

    @property
    def age_s(self) -> float:
        """Seconds since the answer was computed; 0 for a miss."""
        return 0.0 if self.entry is None else _seconds(self.now, self.entry.computed_at)

    @property
    def ttl_s(self) -> float:
        """Seconds for which it is still fresh; 0 or less where it is not."""
        if self.entry is None:
            return 0.0
        ends = self.entry.fresh_until
        if self.version is not None and self.version.digest != self.entry.version:
            ends = min(ends, self.version.since)
        return -_seconds(self.now, ends)


def _seconds(now: datetime, then: datetime) -> float:
    return (now - then).total_seconds()
