"""The one moving part: APScheduler in memory, told by the catalog's rows and the lease."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Event, Thread

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from cache.clock import Clock, utcnow
from jobs.errors import CatalogError
from jobs.job import Job
from jobs.owner import Owner
from jobs.records import Lease, ScheduleRow
from jobs.repository import Catalog
from jobs.schedule_spec import ScheduleSpec
from scheduler.executing import start_queued
from scheduler.fire import fire
from scheduler.firing import Firing, RunJob
from scheduler.followers import fire_followers
from scheduler.lease import SchedulerLease, Steady, since_boot
from scheduler.listener import listen
from scheduler.mirror import mirror
from scheduler.policy import FirePolicy
from scheduler.recovery import fire_at_start, fire_overdue, resume_interrupted
from scheduler.triggers import next_fire

log = logging.getLogger(__name__)

FIRES = "fires"
RUNS = "runs"
LOOKS = "looks"
LOOK_EACH_S = 0.5
LEASE_S = 8.0
RENEWALS = 8
"""So often a lease is asked to be renewed before it runs out."""


class SchedulerService:
    """Fires the schedules of all jobs and has runs carried out while it holds the lease.

    Args:
        catalog: A migrated catalog.
        jobs: Gives the jobs by name as they are defined now; `refresh()` after a change.
        run: Carries out a run to its end.
        fires: Whether schedules fire; runs that are asked for are carried out in any case.
        policy: What to do about late fires.
        clock: The clock that the catalog stamps with.
        owner: The name this process has in run rows and the lease.
        threads: How many jobs are run at the same time.
        lease_s: How long the lease outlives a process that cannot renew it.
        steady: Seconds that only go forward, by which the lease runs out.
        hand_over: Has a run's work done by another thread; APScheduler's pool unless given.
    """

    def __init__(
        self,
        catalog: Catalog,
        jobs: Callable[[], Mapping[str, Job]],
        run: RunJob,
        *,
        fires: bool = True,
        policy: FirePolicy | None = None,
        clock: Clock = utcnow,
        owner: str | None = None,
        threads: int = 4,
        lease_s: float = LEASE_S,
        steady: Steady = since_boot,
        hand_over: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._owner = owner or str(Owner.here())
        self._catalog = catalog
        self._fires = fires
        self._lease = SchedulerLease(catalog, self._owner, clock, lasts_s=lease_s, steady=steady)
        self._lease_s = lease_s
        self._led: Lease | None = None
        self._stop = Event()
        self._started: set[str] = set()
        self._scheduler = _in_memory(threads)
        self.firing = Firing(
            catalog=catalog,
            jobs=jobs,
            run=run,
            owner=self._owner,
            policy=policy or FirePolicy(),
            clock=clock,
            lease=self._leads_by,
            hand_over=hand_over or self._to_pool,
            places=threads,
            ended=self._run_ended,
        )

    @property
    def leading(self) -> bool:
        """Whether this is the scheduler that fires."""
        return self._leads_by() is not None

    def start(self) -> None:
        """Starts to fire, or to wait for the lease; returns at once."""
        # A thread of its own: whatever else takes long, the lease is renewed.
        Thread(target=self._keep_lease, name="lease", daemon=True).start()
        self._scheduler.add_job(
            self.look,
            IntervalTrigger(seconds=LOOK_EACH_S, timezone=UTC),
            next_run_time=datetime.now(UTC),
            id=LOOKS,
            executor=LOOKS,
        )
        self._scheduler.start()

    def stop(self, *, grace_s: float = 0.0) -> None:
        """Stops firing, waits so long for runs under way, leaves the others to be continued."""
        self.firing.stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if not self.firing.wait_idle(grace_s):
            log.warning("runs left to be continued")
        self._stop.set()
        try:
            self._catalog.interrupt_runs(self._owner)
            self._lease.release()
        except CatalogError as error:
            log.warning("lease not given back reason=%s", error)
        self._led = None

    def tick(self) -> None:
        """Renews the lease or asks for it, then looks: what happens by itself after `start`."""
        self._hold()
        self.look()

    def look(self) -> None:
        """Takes over when the lease was got, stands down when it was lost, else does what is due.

        Called twice a second by APScheduler, and by tests.
        """
        try:
            held = self._lease.held
            if held is None:
                self._stand_down()
            elif self._led is None or self._led.term != held.term:
                self._lead(held)
            else:
                resume_interrupted(self.firing)
                if self._fires:
                    fire_overdue(self.firing, slack_s=self.firing.policy.on_time_s)
                    fire_followers(self.firing)
                start_queued(self.firing)
        except CatalogError as error:
            log.warning("scheduler cannot reach the catalog reason=%s", error)

    def refresh(self) -> None:
        """Takes over changed definitions: rows, next fires, and `at_start` of new schedules."""
        if not self.leading:
            return
        if not self._fires:
            return
        with self.firing.deciding():
            specs = mirror(self.firing)
            rows = {row.id: row for row in self._catalog.schedules()}
            self._replace_fires(specs, rows)
        for schedule_id, spec in specs.items():
            if spec.kind == "at_start" and schedule_id not in self._started:
                self._started.add(schedule_id)
                fire_at_start(schedule_id, self.firing)

    def _leads_by(self) -> Lease | None:
        held, led = self._lease.held, self._led
        return held if held is not None and led is not None and held.term == led.term else None

    def _keep_lease(self) -> None:
        self._hold()
        while not self._stop.wait(self._lease_s / RENEWALS):
            self._hold()

    def _hold(self) -> None:
        try:
            self._lease.hold()
        except CatalogError as error:
            log.warning("lease not renewed reason=%s", error)

    def _lead(self, held: Lease) -> None:
        log.info("scheduler leads owner=%s term=%d", self._owner, held.term)
        self._led = held
        try:
            if self._fires:
                with self.firing.deciding():
                    mirror(self.firing)
            resume_interrupted(self.firing)
            if self._fires:
                fire_overdue(self.firing)
                fire_followers(self.firing)
            start_queued(self.firing)
            self.refresh()
        except CatalogError:
            self._led = None  # the next look begins anew
            raise

    def _run_ended(self, job: str) -> None:
        """Fires what waited for the end of a run: followers, the job's missed times, the queue."""
        if self.firing.stopping.is_set() or not self.leading:
            return
        try:
            if self._fires:
                fire_followers(self.firing)
                fire_overdue(self.firing, job=job)
            start_queued(self.firing)
        except CatalogError as error:  # the next look asks again
            log.warning("what follows a run is late reason=%s", error)

    def _stand_down(self) -> None:
        if self._led is not None:
            log.warning("scheduler lost the lease and stops firing owner=%s", self._owner)
        self._led = None
        self._replace_fires({}, {})

    def _replace_fires(
        self, specs: Mapping[str, ScheduleSpec], rows: Mapping[str, ScheduleRow]
    ) -> None:
        """Makes APScheduler fire these schedules and no others."""
        for job in self._scheduler.get_jobs():
            if "#" in job.id and job.id not in specs:
                job.remove()
        for schedule_id, spec in specs.items():
            first = rows[schedule_id].next_fire
            if first is not None:
                self._scheduler.add_job(
                    fire,
                    SpecTrigger(spec, first),
                    args=(schedule_id, self.firing),
                    id=schedule_id,
                    executor=FIRES,
                    replace_existing=True,
                )

    def _to_pool(self, work: Callable[[], None]) -> None:
        self._scheduler.add_job(work, executor=RUNS)


class SpecTrigger(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """APScheduler's view of a schedule: the row's next fire, then by our own rules.

    Times that passed meanwhile are left out here, so that APScheduler never piles them up:
    what to do about them is for `FirePolicy` to say.
    """

    def __init__(self, spec: ScheduleSpec, first: datetime) -> None:
        self._spec = spec
        self._first = first

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """Returns the next time in UTC; APScheduler's interface."""
        if previous_fire_time is None:
            return self._first
        return next_fire(self._spec, max(previous_fire_time, now))


def _in_memory(threads: int) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={
            # Deciding is quick and done by one thread; looking may take longer.
            FIRES: ThreadPoolExecutor(1),
            LOOKS: ThreadPoolExecutor(1),
            RUNS: ThreadPoolExecutor(threads),
        },
        # Lateness is judged by `FirePolicy`; APScheduler's own grace of 1 s would lose fires.
        job_defaults={"misfire_grace_time": None, "coalesce": True},
    )
    listen(scheduler)
    return scheduler
