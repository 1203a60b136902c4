"""Firing: what a fire has at hand, and which runs are under way in this process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition, Event, RLock
from typing import Protocol

from cache.clock import Clock
from jobs.job import Job
from jobs.records import Lease
from jobs.repository import Catalog
from jobs.run_rows import abandoned
from jobs.status import Cause, RunStatus
from scheduler.policy import FirePolicy


class RunJob(Protocol):
    """Carries out a run to its end, keeping its row; blocks.

    `resume` is the number of the row, of a run that waits or was interrupted. It raises
    `RunInterrupted` when it cannot go on now but may be taken up again, `RunInProgress` when
    another process runs the job, `RunEnded` when it was cancelled before it began, and anything
    else when it failed for good.
    """

    def __call__(
        self,
        job: Job,
        cause: Cause,
        *,
        scheduled_for: datetime | None = None,
        resume: int | None = None,
    ) -> object:
        """Runs `job`; what it returns is not looked at."""


@dataclass
class Firing:
    """What a fire has at hand, and which jobs are under way in this process.

    Attributes:
        catalog: The rows of schedules and runs.
        jobs: Gives the jobs by name, as they are defined at that moment.
        run: Carries out one run.
        owner: The name this process has in run rows.
        policy: When to fire late, and when not at all.
        clock: The clock that the catalog stamps with.
        lease: Gives the lease in whose name this process fires; None while it may not.
        hand_over: Has the work done by another thread.
        places: How many runs are carried out at the same time.
        stopping: Set when no new run is to start.
        ended: Called with a job when a run of it here has ended, however it did.
    """

    catalog: Catalog
    jobs: Callable[[], Mapping[str, Job]]
    run: RunJob
    owner: str
    policy: FirePolicy
    clock: Clock
    lease: Callable[[], Lease | None]
    hand_over: Callable[[Callable[[], None]], None]
    places: int = 4
    stopping: Event = field(default_factory=Event)
    ended: Callable[[str], None] = lambda _: None
    _turn: RLock = field(default_factory=RLock)
    _changed: Condition = field(default_factory=Condition)
    _under_way: set[str] = field(default_factory=set)

    def leading(self) -> bool:
        """Returns whether this process may fire."""
        return self.lease() is not None

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Keeps other threads from deciding, and other processes by the lease.

        Raises:
            LeaseLost: in the block, by what writes: another process leads.
        """
        with self._turn, self.catalog.in_the_name_of(self.lease()):
            yield

    def is_under_way(self, job: str) -> bool:
        """Returns whether the job is run, or about to be, by this process."""
        with self._changed:
            return job in self._under_way

    def is_running(self, job: str) -> bool:
        """Returns whether the job is run, here or by another process, or a run of it waits."""
        if self.is_under_way(job):
            return True
        found = self.catalog.runs(job=job, status=[RunStatus.QUEUED, RunStatus.RUNNING])
        now = self.clock()
        return any(run.status is RunStatus.QUEUED or not abandoned(run, now) for run in found)

    def enter(self, job: str) -> bool:
        """Takes a place for a run of the job; returns whether there was one, and none of the job's.

        Who takes one gives it back by `leave`.
        """
        with self._changed:
            if self.stopping.is_set() or job in self._under_way:
                return False
            if len(self._under_way) >= self.places:
                return False
            self._under_way.add(job)
            return True

    def leave(self, job: str) -> None:
        """Gives the place of a run back."""
        with self._changed:
            self._under_way.discard(job)
            self._changed.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Blocks until no run is under way here, at most so long; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, timeout_s)
