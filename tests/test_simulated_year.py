"""A year of fires, by a clock that the test sets, beside a cron written from its manuals."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debian_cron import CronLine, fires, minutes
from fakes import FixedClock

from cache.freshness import Freshness
from jobs.job import Job
from jobs.repository import Catalog
from jobs.schedule_spec import cron_schedule
from jobs.status import Cause, RunStatus
from scheduler.fire import fire
from scheduler.policy import Action
from scheduler.service import SchedulerService

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
LINES = {
    "America/Chicago": ["0 5 * * MON-FRI", "30 2 * * *", "*/20 1-3 * * SUN", "0 0 13 * FRI"],
    "Europe/Berlin": ["30 2 * * *", "15 2,3 * * 0,6", "0 */2 */5 * *", "@weekly"],
    "Australia/Lord_Howe": ["45 1 * * *", "15 2 * APR,OCT *", "*/10 1-2 1-7 4,10 7", "@monthly"],
    "America/Havana": ["@daily", "5 0-23/3 * * SAT-6", "0 0 */2 * MON", "10-40/15 0 8-14 3 *"],
    "Antarctica/Troll": ["0,30 1-2 20-31 3,10 *", "17 * * MAR,10 *", "0 12 31 1-12/2 3", "@yearly"],
}
NAMED = {f"job{k}": line for k, line in enumerate((z, t) for z in LINES for t in LINES[z])}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START.strftime("%Y-%m-%dT%H:%M"))


@pytest.fixture
def catalog(tmp_path: Path, clock: FixedClock) -> Iterator[Catalog]:
    catalog = Catalog.in_file(tmp_path / "catalog.db", clock=clock)
    catalog.migrate()
    yield catalog
    catalog.close()


def test_a_year_of_twenty_schedules_fires_as_cron_does(catalog: Catalog, clock: FixedClock) -> None:
    clock.now = START - timedelta(minutes=1)
    ran: dict[str, list[datetime]] = {name: [] for name in NAMED}

    def run(
        job: Job, cause: Cause, *, scheduled_for: datetime | None = None, resume: int | None = None
    ) -> None:
        assert cause is Cause.SCHEDULE
        assert scheduled_for == clock()
        ran[job.name].append(clock())
        catalog.finish_run(resume or 0, RunStatus.SUCCEEDED)

    jobs = {name: _job(name, *line) for name, line in NAMED.items()}
    service = SchedulerService(
        catalog,
        lambda: jobs,
        run,
        clock=clock,
        lease_s=400 * 86400.0,
        steady=clock.steady,
        hand_over=lambda work: work(),
    )
    service.firing.ended = lambda _: None  # nothing waits for the end of another's run
    service.tick()
    due = {row.id: row.next_fire for row in catalog.schedules() if row.next_fire}
    while (moment := min(due.values())) < END:
        clock.now = moment
        for schedule_id in [name for name, time in due.items() if time == moment]:
            assert fire(schedule_id, service.firing).action is Action.FIRE
            following = catalog.schedule(schedule_id).next_fire
            assert following is not None
            due[schedule_id] = following
    service.stop()
    assert ran == _by_hand()


def _job(name: str, zone: str, text: str) -> Job:
    spec = cron_schedule(text, zone)
    return Job(name, "scoring", name, Freshness(3600, 0, 7200), schedule=(spec,))


def _by_hand() -> dict[str, list[datetime]]:
    """When cron runs each line, by the manuals."""
    found = []
    for zone, texts in LINES.items():
        found += fires(map(CronLine, texts), minutes(zone, START, END))
    return dict(zip(NAMED, found, strict=True))
