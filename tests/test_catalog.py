"""The catalog: rows that several processes share, and what of them survives a kill."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fakes import FixedClock
from postgres import Postgres, postgres
from serving import wait_until
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from cache.clock import to_text, utcnow
from cache.generations import Generations
from jobs.access_key import new_secret
from jobs.errors import (
    CatalogTooNew,
    CatalogUnavailable,
    LeaseLost,
    RunEnded,
    RunFinished,
    RunInProgress,
    RunNotFound,
    ScheduleNotFound,
)
from jobs.key_book import KeyBook
from jobs.key_errors import KeyNameTaken, KeyNotFound
from jobs.key_request import KeyRequest
from jobs.migrations import configuration, head
from jobs.models import REVISION, metadata
from jobs.owner import Owner, is_gone
from jobs.records import BatchOutcome, CellOutcome, Failure, Lease, ScheduleRow
from jobs.repository import Catalog
from jobs.role import Role
from jobs.scope import EVERYTHING, NOT_FRESH
from jobs.status import Cause, Outcome, RunStatus

HERE = str(Owner.here())
GONE = str(Owner(Owner.here().host, 4_194_303, "never-1"))
ELSEWHERE = "other-machine/1:17:never-1"
numbers = count()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that has an up-to-date catalog to be copied."""
    with postgres() as server:
        first = Catalog(server.new("first"))
        first.migrate()
        first.close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a catalog is kept; up to date, or not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: Postgres = request.getfixturevalue("server")
    return server.new(f"catalog{next(numbers)}", like="first")


@pytest.fixture
def catalog(url: str, clock: FixedClock) -> Iterator[Catalog]:
    catalog = Catalog(url, clock=clock)
    catalog.migrate()
    yield catalog
    catalog.close()


# The database


def test_migrations_make_the_tables_of_the_models(catalog: Catalog) -> None:
    with catalog._read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    assert catalog.revision() == head() == REVISION


def test_tables_can_be_made_in_postgresql() -> None:
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "VARCHAR(27)" not in text
    assert "TIMESTAMP WITH TIME ZONE" in text


def test_migrating_again_keeps_the_rows(catalog: Catalog, url: str) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    again = Catalog(url)
    again.migrate()
    assert again.run(run.id) == run
    again.close()


def test_catalog_of_an_earlier_larder_keeps_its_runs(tmp_path: Path) -> None:
    catalog = Catalog.in_file(tmp_path / "catalog.db")
    configured = configuration()
    with catalog._write() as connection:
        configured.attributes["connection"] = connection
        command.upgrade(configured, "0001")
        connection.execute(
            text(
                "INSERT INTO runs (job, cause, status, started_at, version, owner, heartbeat_at)"
                " VALUES ('gain', 'manual', 'running', :now, 'v1', 'me', :now)"
            ),
            {"now": to_text(utcnow())},
        )
    catalog.migrate()
    assert (catalog.revision(), catalog.run(1).scope) == (REVISION, NOT_FRESH)
    catalog.close()


def test_many_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    code = (
        "import sys; from pathlib import Path; from jobs.repository import Catalog;"
        "c = Catalog.in_file(Path(sys.argv[1])); c.migrate(); print(c.revision())"
    )
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", code, str(path)]
    processes = [
        subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == [REVISION] * 4


def test_catalog_of_a_later_larder_is_refused(catalog: Catalog) -> None:
    with catalog._write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CatalogTooNew, match="9999"):
        catalog.migrate()


def test_unusable_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_text("no database at all, " * 200)
    catalog = Catalog.in_file(tmp_path / "catalog.db")
    with pytest.raises(CatalogUnavailable, match="not a database"):
        catalog.migrate()
    catalog.close()


def test_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    catalog = Catalog.in_file(tmp_path / "nowhere" / "catalog.db")
    with pytest.raises(CatalogUnavailable):
        catalog.migrate()
    catalog.close()


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    catalog = Catalog.in_file(tmp_path / "catalog.db")
    catalog.migrate()
    with catalog._read() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "busy_timeout": 10_000, "foreign_keys": 1}
    catalog.close()


def test_writers_in_threads_wait_for_each_other(catalog: Catalog) -> None:
    def write(number: int) -> None:
        catalog.current_version(f"job{number}", "v1")
        run = catalog.start_run(f"job{number}", Cause.MANUAL, version="v1")
        for done in range(10):
            catalog.update_run(run.id, computed=done)
        catalog.finish_run(run.id, RunStatus.SUCCEEDED)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    assert len(catalog.runs(status=[RunStatus.SUCCEEDED])) == 16


def test_reading_goes_on_while_another_writes(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    with catalog._write():
        assert catalog.run(run.id).status is RunStatus.RUNNING


def test_records_cannot_be_changed(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    with pytest.raises(FrozenInstanceError):
        run.job = "other"  # type: ignore[misc]


# Job versions


def test_version_is_current_since_it_was_first_seen(catalog: Catalog, clock: FixedClock) -> None:
    first = catalog.current_version("gain", "aaa", {"function": "scoring::gain"})
    clock.advance(hours=1)
    assert catalog.current_version("gain", "aaa") == first == catalog.version("gain")
    assert catalog.versions("gain")[0].definition == {"function": "scoring::gain"}


def test_going_back_to_an_older_version_counts_from_then(
    catalog: Catalog, clock: FixedClock
) -> None:
    catalog.current_version("gain", "aaa")
    clock.advance(hours=1)
    catalog.current_version("gain", "bbb")
    back = clock.advance(hours=1)
    assert catalog.current_version("gain", "aaa").since == back
    assert [version.digest for version in catalog.versions("gain")] == ["aaa", "bbb", "aaa"]


def test_unseen_job_has_no_version(catalog: Catalog) -> None:
    assert catalog.version("gain") is None


# Runs


def test_run_is_opened_counted_and_closed(catalog: Catalog, clock: FixedClock) -> None:
    began = clock.now
    run = catalog.start_run("gain", Cause.SCHEDULE, version="v1", scheduled_for=began)
    catalog.update_run(run.id, cells_total=78, computed=70, fresh=5)
    ended = clock.advance(seconds=12)
    catalog.update_run(run.id, failed=3)
    closed = catalog.finish_run(run.id, RunStatus.PARTIAL, error="3 cells failed")
    assert closed == catalog.run(run.id)
    assert (closed.started_at, closed.finished_at, closed.scheduled_for) == (began, ended, began)
    assert (closed.cells_total, closed.computed, closed.fresh, closed.failed) == (78, 70, 5, 3)
    assert (closed.done, closed.duration_s, closed.open) == (78, 12.0, False)
    assert closed.status is RunStatus.PARTIAL
    assert closed.cause is Cause.SCHEDULE


def test_a_closed_run_stays_as_it_was_closed(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    catalog.finish_run(run.id, RunStatus.CANCELLED)
    assert catalog.finish_run(run.id, RunStatus.SUCCEEDED).status is RunStatus.CANCELLED


def test_a_job_has_one_running_run(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    with pytest.raises(RunInProgress, match="gain is being run already"):
        catalog.start_run("gain", Cause.SCHEDULE, version="v1")
    catalog.start_run("churn", Cause.SCHEDULE, version="v1")
    catalog.finish_run(run.id, RunStatus.SUCCEEDED)
    assert catalog.start_run("gain", Cause.SCHEDULE, version="v1").id > run.id


def test_a_new_run_closes_the_one_whose_process_is_gone(catalog: Catalog) -> None:
    left = catalog.start_run("gain", Cause.MANUAL, version="v1", owner=GONE)
    assert catalog.running("gain") is None
    new = catalog.start_run("gain", Cause.MANUAL, version="v1")
    assert catalog.running("gain") == new
    assert catalog.run(left.id).status is RunStatus.INTERRUPTED
    assert catalog.abandoned_runs() == []


def test_a_run_whose_process_is_gone_is_taken_up_as_the_same_run(catalog: Catalog) -> None:
    left = catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=GONE)
    catalog.update_run(left.id, computed=40, cells_total=78)
    assert [run.id for run in catalog.abandoned_runs()] == [left.id]
    taken = catalog.resume_run(left.id)
    assert (taken.id, taken.attempt, taken.status) == (left.id, 2, RunStatus.RUNNING)
    assert (taken.computed, taken.cells_total, taken.owner) == (0, 78, HERE)
    assert catalog.abandoned_runs() == []


def test_a_run_left_on_purpose_is_taken_up_too(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.SCHEDULE, version="v1")
    catalog.interrupt_run(run.id, error="no engine")
    assert catalog.abandoned_runs()[0].error == "no engine"
    assert catalog.resume_run(run.id).error is None


def test_a_run_that_somebody_works_on_is_not_taken_up(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.SCHEDULE, version="v1")
    with pytest.raises(RunInProgress):
        catalog.resume_run(run.id)
    catalog.finish_run(run.id, RunStatus.SUCCEEDED)
    with pytest.raises(RunInProgress):
        catalog.resume_run(run.id)


def test_threads_that_race_to_take_up_a_run_leave_one_winner(catalog: Catalog) -> None:
    left = catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=GONE)

    def take_up(_: int) -> bool:
        try:
            return bool(catalog.resume_run(left.id))
        except RunInProgress:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take_up, range(8))) == 1
    assert catalog.run(left.id).attempt == 2


def test_a_live_process_keeps_its_run_however_silent(catalog: Catalog, clock: FixedClock) -> None:
    catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=HERE)
    clock.advance(hours=5)
    assert catalog.abandoned_runs() == []


def test_a_process_out_of_sight_keeps_its_run_while_it_shows_life(
    catalog: Catalog, clock: FixedClock
) -> None:
    run = catalog.start_run("gain", Cause.SCHEDULE, version="v1", owner=ELSEWHERE)
    clock.advance(seconds=20)
    catalog.update_run(run.id, by=run)
    clock.advance(seconds=20)
    assert catalog.abandoned_runs() == []
    clock.advance(seconds=20)
    assert [left.id for left in catalog.abandoned_runs()] == [run.id]


def test_runs_are_listed_newest_first_in_pages(catalog: Catalog) -> None:
    ids = []
    for _ in range(5):
        ids.append(catalog.start_run("gain", Cause.MANUAL, version="v1").id)
        catalog.finish_run(ids[-1], RunStatus.SUCCEEDED)
    newest = [run.id for run in catalog.runs(job="gain", limit=2)]
    assert newest == ids[:2:-1]
    assert [run.id for run in catalog.runs(before=newest[-1])] == ids[2::-1]


def test_last_run_of_every_job(catalog: Catalog) -> None:
    for job in ("gain", "gain", "churn"):
        catalog.finish_run(
            catalog.start_run(job, Cause.MANUAL, version="v1").id, RunStatus.SUCCEEDED
        )
    assert {job: run.id for job, run in catalog.last_runs().items()} == {"gain": 2, "churn": 3}


def test_unknown_run_is_an_error(catalog: Catalog) -> None:
    for ask in (catalog.run, catalog.update_run, catalog.resume_run):
        with pytest.raises(RunNotFound):
            ask(17)


def test_a_run_waits_with_its_cause_and_is_begun(catalog: Catalog, clock: FixedClock) -> None:
    asked = clock.now
    waiting = catalog.queue_run("gain", Cause.MANUAL)
    assert (waiting.status, waiting.cause, waiting.queued_at) == ("queued", Cause.MANUAL, asked)
    assert (catalog.queued_runs(), catalog.running("gain")) == ([waiting], None)
    assert catalog.abandoned_runs() == []
    began = clock.advance(minutes=5)
    begun = catalog.resume_run(waiting.id, version="v2")
    assert (begun.status, begun.attempt, begun.version) == (RunStatus.RUNNING, 1, "v2")
    assert (begun.queued_at, begun.started_at) == (asked, began)
    assert catalog.queued_runs() == []


def test_a_run_that_is_asked_for_twice_waits_once(catalog: Catalog, clock: FixedClock) -> None:
    first = catalog.queue_run("gain", Cause.MANUAL)
    assert catalog.queue_run("gain", Cause.MANUAL) == first
    again = catalog.queue_run("gain", Cause.SCHEDULE, scheduled_for=clock.now)
    assert (again.id, again.scheduled_for) == (first.id, clock.now)
    other = catalog.queue_run("gain", Cause.MANUAL, scope=EVERYTHING)
    assert [run.id for run in catalog.queued_runs()] == [first.id, other.id]


def test_a_run_that_waits_can_be_cancelled_and_is_not_begun_then(catalog: Catalog) -> None:
    waiting = catalog.queue_run("gain", Cause.MANUAL)
    cancelled = catalog.cancel_run(waiting.id, "cancelled by ada")
    assert (cancelled.status, cancelled.error) == (RunStatus.CANCELLED, "cancelled by ada")
    with pytest.raises(RunEnded):
        catalog.resume_run(waiting.id)
    with pytest.raises(RunFinished, match=r"run 1 has ended already: cancelled"):
        catalog.cancel_run(waiting.id, "again")


def test_a_run_that_waits_while_its_job_is_run_is_not_begun(catalog: Catalog) -> None:
    catalog.start_run("gain", Cause.MANUAL, version="v1")
    waiting = catalog.queue_run("gain", Cause.MANUAL)
    with pytest.raises(RunInProgress):
        catalog.resume_run(waiting.id)
    assert catalog.queued_runs() == [waiting]


def test_cancelled_run_keeps_what_it_computed_until_another_begins(catalog: Catalog) -> None:
    run = catalog.start_run("gain", Cause.MANUAL, version="v1")
    catalog.fence_run(run)
    catalog.cancel_run(run.id, "enough")
    waiting = catalog.queue_run("gain", Cause.MANUAL)
    catalog.start_run("other", Cause.MANUAL, version="v1")
    catalog.fence_run(run)
    catalog.resume_run(waiting.id)
    with pytest.raises(RunEnded):
        catalog.fence_run(run)


def test_who_lost_a_run_to_another_writes_nothing_more_into_it(catalog: Catalog) -> None:
    left = catalog.start_run("gain", Cause.MANUAL, version="v1", owner=GONE)
    taken = catalog.resume_run(left.id)
    failed = CellOutcome("gain", "k1", {}, Outcome.FAILED, run_id=left.id)
    for write in (
        lambda: catalog.update_run(left.id, computed=7, by=left),
        lambda: catalog.finish_run(left.id, RunStatus.FAILED, by=left),
        lambda: catalog.interrupt_run(left.id, by=left),
        lambda: catalog.record_cells([failed], by=left),
        lambda: catalog.fence_run(left),
    ):
        with pytest.raises(RunEnded):
            write()
    assert catalog.run(left.id) == taken
    assert catalog.cells("gain") == []


def test_a_stopped_process_is_neither_gone_nor_there() -> None:
    program = "from jobs.owner import Owner; print(Owner.here(), flush=True); input()"
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        assert is_gone(owner) is False
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_gone(owner) is None)
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: is_gone(owner) is False)
        process.kill()


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    here = Owner.here()
    assert is_gone(str(here)) is False
    assert is_gone(str(Owner(here.host, here.pid, "another-boot"))) is True
    assert is_gone(ELSEWHERE) is None
    assert is_gone("not an owner") is None


def test_an_ended_process_is_gone() -> None:
    code = "from jobs.owner import Owner; print(Owner.here())"
    root = Path(__file__).parent.parent
    owner = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=root).strip()
    assert is_gone(owner) is True


# Outcomes


def cell(cache_key: str, outcome: Outcome = Outcome.COMPUTED, **more: object) -> CellOutcome:
    arguments = {"treatment": "CBT", "prewt": 70, "note": "größer"}
    return CellOutcome("gain", cache_key, arguments, outcome, run_id=1, **more)  # type: ignore[arg-type]


def test_a_cell_comes_back_as_it_was_recorded(catalog: Catalog, clock: FixedClock) -> None:
    computed = cell(
        "k1",
        session_key="x0abc",
        computed_at=clock.now,
        fresh_until=clock.now + timedelta(days=1),
        duration_s=0.25,
        attempts=2,
    )
    catalog.record_cells([computed])
    assert catalog.cell("gain", "k1") == computed
    assert catalog.cell("gain", "k2") is None


def test_a_failure_keeps_what_is_known_of_the_last_good_answer(
    catalog: Catalog, clock: FixedClock
) -> None:
    catalog.record_cells([cell("k1", session_key="x0abc", computed_at=clock.now)])
    catalog.record_cells([cell("k1", Outcome.FAILED, attempts=3, error="singular matrix")])
    found = catalog.cell("gain", "k1")
    assert found is not None
    assert (found.outcome, found.error, found.attempts) == (Outcome.FAILED, "singular matrix", 3)
    assert (found.session_key, found.computed_at) == ("x0abc", clock.now)


def test_success_after_failure_clears_the_error(catalog: Catalog) -> None:
    catalog.record_cells([cell("k1", Outcome.FAILED, error="singular matrix")])
    catalog.record_cells([cell("k1")])
    assert catalog.cells("gain", outcome=[Outcome.FAILED]) == []
    assert catalog.cells("gain")[0].error is None


def test_many_cells_are_counted_and_paged(catalog: Catalog) -> None:
    catalog.record_cells([cell(f"{k:05}") for k in range(2500)])
    catalog.record_cells([cell("00007", Outcome.FAILED), cell("00008", Outcome.FRESH)])
    counts = {Outcome.COMPUTED: 2498, Outcome.FAILED: 1, Outcome.FRESH: 1}
    assert catalog.cell_counts("gain") == counts
    page = catalog.cells("gain", limit=2, offset=1000)
    assert [found.cache_key for found in page] == ["01000", "01001"]


def test_cells_of_one_run(catalog: Catalog) -> None:
    catalog.record_cells([cell("k1"), CellOutcome("gain", "k2", {}, Outcome.FRESH, run_id=2)])
    assert [found.cache_key for found in catalog.cells("gain", run_id=2)] == ["k2"]


def failed_cell(run_id: int, cache_key: str, console: str = "") -> CellOutcome:
    failure = Failure("RError", "singular", "singular\n\nIn call:\nf()", ("NaNs",), console, 9)
    outcome = CellOutcome("gain", cache_key, {"x": 1}, Outcome.FAILED, run_id=run_id)
    return replace(outcome, error="singular", failure=failure)


def test_what_r_said_of_a_failed_cell_outlives_the_next_run(catalog: Catalog) -> None:
    first = catalog.start_run("gain", Cause.MANUAL, version="v1")
    catalog.record_cells([failed_cell(first.id, "k1"), failed_cell(first.id, "k2")], by=first)
    catalog.finish_run(first.id, RunStatus.PARTIAL)
    second = catalog.start_run("gain", Cause.MANUAL, version="v1")
    catalog.record_cells([cell("k1"), cell("k2")], by=second)
    found = catalog.failed_of_run(first.id, limit=1)
    assert [(one.place, one.arguments, one.failure) for one in found] == [
        ("k1", {"x": 1}, failed_cell(1, "k1").failure)
    ]
    assert [one.place for one in catalog.failed_of_run(first.id, after="k1")] == ["k2"]
    assert (catalog.count_failed(first.id), catalog.failed_of_run(second.id)) == (2, [])


def test_attempt_that_takes_a_run_up_forgets_how_the_last_one_failed(catalog: Catalog) -> None:
    left = catalog.start_run("gain", Cause.MANUAL, version="v1", owner=GONE)
    catalog.record_cells([failed_cell(left.id, "k1")])
    catalog.resume_run(left.id)
    assert catalog.failed_of_run(left.id) == []


def test_failures_of_the_last_runs_are_kept(catalog: Catalog) -> None:
    for _ in range(22):
        run = catalog.start_run("gain", Cause.MANUAL, version="v1")
        catalog.forget_failures("gain")
        catalog.record_cells([failed_cell(run.id, "k1")])
        catalog.finish_run(run.id, RunStatus.FAILED)
    assert [len(catalog.failed_of_run(number)) for number in (1, 2, 3, 22)] == [0, 0, 1, 1]


def test_recording_nothing_writes_nothing(catalog: Catalog) -> None:
    with catalog._write():  # a second writer would wait here for ten seconds and fail
        catalog.record_cells([])


def test_batches_are_recorded_by_their_first_row(catalog: Catalog) -> None:
    first = BatchOutcome("churn", 0, 5000, Outcome.COMPUTED, run_id=1, duration_s=1.5)
    second = BatchOutcome("churn", 5000, 123, Outcome.FAILED, run_id=1, error="boom")
    catalog.record_batches([second, first])
    assert catalog.batches("churn") == [first, second]
    catalog.forget_outcomes("churn")
    assert catalog.batches("churn") == []


# Schedules


def schedule(place: int = 1, **more: object) -> ScheduleRow:
    return ScheduleRow(f"gain#{place}", "gain", "cron", "0 5 * * *", "UTC", **more)  # type: ignore[arg-type]


def test_schedules_mirror_the_definitions_and_keep_their_history(
    catalog: Catalog, clock: FixedClock
) -> None:
    tomorrow = clock.now + timedelta(days=1)
    catalog.mirror_schedules([schedule(1, next_fire=clock.now), schedule(2)])
    catalog.fire_schedule("gain#1", Cause.SCHEDULE, scheduled_for=clock.now, next_fire=tomorrow)
    catalog.enable_schedule("gain#1", enabled=False)
    catalog.mirror_schedules([schedule(1, next_fire=tomorrow)])
    (row,) = catalog.schedules("gain")
    assert (row.last_fire, row.last_scheduled, row.next_fire) == (clock.now, clock.now, tomorrow)
    assert not row.enabled


def test_a_skipped_fire_says_why(catalog: Catalog, clock: FixedClock) -> None:
    catalog.mirror_schedules([schedule()])
    catalog.mark_skipped("gain#1", reason="the job was still being run", next_fire=None)
    row = catalog.schedule("gain#1")
    assert (row.last_skipped, row.skip_reason) == (clock.now, "the job was still being run")


def test_unknown_schedule_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(ScheduleNotFound):
        catalog.schedule("gain#9")
    with pytest.raises(ScheduleNotFound):
        catalog.enable_schedule("gain#9", enabled=True)


# Leases


def take(catalog: Catalog, holder: str) -> Lease:
    """The lease, from whoever has it."""
    taken = catalog.take_lease("scheduler", holder, lasts_s=30, seen=catalog.lease("scheduler"))
    assert taken is not None
    return taken


def test_lease_is_renewed_by_its_holder(catalog: Catalog, clock: FixedClock) -> None:
    first = take(catalog, "a")
    clock.advance(seconds=20)
    renewed = catalog.renew_lease(first, lasts_s=30)
    assert renewed == catalog.lease("scheduler")
    assert renewed == replace(first, expires_at=clock.now + timedelta(seconds=30))


def test_lease_is_taken_only_as_it_was_seen(catalog: Catalog, clock: FixedClock) -> None:
    seen = take(catalog, "a")
    clock.advance(seconds=1)
    catalog.renew_lease(seen, lasts_s=30)
    assert catalog.take_lease("scheduler", "b", lasts_s=30, seen=seen) is None


def test_old_holder_learns_that_its_lease_was_taken(catalog: Catalog) -> None:
    old, new = take(catalog, "a"), take(catalog, "b")
    assert (old.term, new.term) == (1, 2)
    assert catalog.renew_lease(old, lasts_s=30) is None
    catalog.release_lease(old)
    assert catalog.lease("scheduler") == new


def test_old_holder_writes_nothing_more_in_its_name(catalog: Catalog) -> None:
    old = take(catalog, "a")
    with catalog.in_the_name_of(old):
        catalog.queue_run("gain", Cause.SCHEDULE)
    take(catalog, "b")
    with catalog.in_the_name_of(old), pytest.raises(LeaseLost):
        catalog.queue_run("churn", Cause.SCHEDULE)
    assert [run.job for run in catalog.queued_runs()] == ["gain"]


def test_holder_that_took_its_own_lease_anew_writes_in_the_new_term_only(catalog: Catalog) -> None:
    old = take(catalog, "a")
    new = take(catalog, "a")
    with catalog.in_the_name_of(old), pytest.raises(LeaseLost):
        catalog.queue_run("gain", Cause.SCHEDULE)
    with catalog.in_the_name_of(new):
        catalog.queue_run("gain", Cause.SCHEDULE)


def test_released_lease_is_nobodys_and_keeps_counting_its_terms(catalog: Catalog) -> None:
    catalog.release_lease(take(catalog, "a"))
    lease = catalog.lease("scheduler")
    assert lease is not None
    assert lease.holder == ""
    assert take(catalog, "b").term == 2


def test_threads_that_race_for_a_lease_leave_one_winner(catalog: Catalog) -> None:
    def ask(number: int) -> bool:
        return catalog.take_lease("scheduler", f"h{number}", lasts_s=30, seen=None) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1


# Access keys


def test_keys_are_made_exchanged_and_revoked(
    catalog: Catalog, clock: FixedClock, tmp_path: Path
) -> None:
    with closing(Generations(tmp_path / "generations")) as generations:
        book = KeyBook(catalog, generations, clock)
        until = clock() + timedelta(days=90)
        wish = KeyRequest("shop", Role.CALLER, ("stats::*",), ("churn",), expires_at=until)
        first = book.add(wish)
        with pytest.raises(KeyNameTaken, match=r"rotate shop"):
            book.add(KeyRequest("shop", Role.VIEWER))
        clock.advance(days=10)
        second = book.rotate("shop", 3600)
        assert (second.key.functions, second.key.jobs) == (("stats::*",), ("churn",))
        assert second.key.expires_at == clock() + timedelta(days=90)  # as long as the first
        assert len(book.keys()) == 2
        clock.advance(hours=1)
        [left] = book.keys()
        assert left == second.key
        catalog.note_use({second.key.id: clock()})
        assert [key.name for key in book.revoke(f"#{second.key.id}")] == ["shop"]
        assert book.keys() == []
        with pytest.raises(KeyNotFound):
            book.revoke("shop")
        assert [key.id for key in book.keys(invalid=True)] == [first.key.id, second.key.id]
        book.add(KeyRequest("shop", Role.VIEWER))  # the name is free again


def test_two_who_make_a_key_of_one_name_at_once_make_one(catalog: Catalog) -> None:
    def add(_: int) -> bool:
        try:
            catalog.add_key(new_secret(), "shop", Role.CALLER)
        except KeyNameTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(8))) == 1


def test_closing_leaves_no_open_file(tmp_path: Path) -> None:
    catalog = Catalog.in_file(tmp_path / "catalog.db")
    catalog.migrate()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: catalog.schedules(), range(8)))
    catalog.close()
    opened = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert not [name for name in opened if str(tmp_path) in name]
