"""Jobs that say `sessions: none`: what their runs leave."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kitchen import Kitchen, gain, gain_job

from cache.entry import Entry, State
from cache.sweep import Sweep
from engine.errors import RError, WorkerDied
from engine.value_answer import EXACT, VALUE
from jobs.call import call_of_cell
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.retries import Retries
from jobs.scope import EVERYTHING
from jobs.status import Cause, Outcome, RunStatus


def lean_job(**changes: Any) -> Job:
    return gain_job(sessions="none", **changes)


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, lean_job())
    yield kitchen
    kitchen.close()


def entries(pantry: Pantry, job: Job) -> list[Entry]:
    found = [pantry.store.get(job.cache_key(cell.arguments)) for cell in job.cells()]
    return [entry for entry in found if entry is not None]


# What a run leaves


def test_run_leaves_values_and_no_sessions(kitchen: Kitchen) -> None:
    job = lean_job(outputs=("json", "csv"))
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, 6)
    kept = entries(kitchen.pantry, job)
    assert [set(entry.bodies) for entry in kept] == [{VALUE, EXACT, "csv"}] * 6
    assert {(entry.session_key, entry.listing) for entry in kept} == {(None, ())}
    assert {entry.extra["run"] for entry in kept} == {run.id}
    assert list(kitchen.pantry.sessions.keys()) == []
    assert list((kitchen.pantry.sessions.root / ".staging").iterdir()) == []
    noted = kitchen.catalog.cells(job.name)
    assert {one.outcome for one in noted} == {Outcome.COMPUTED}
    assert [one.arguments for one in noted] == [
        kitchen.pantry.store.get(one.cache_key).arguments  # type: ignore[union-attr]
        for one in noted
    ]


def test_second_run_finds_them_fresh_and_the_same_value_anew_is_no_change(
    kitchen: Kitchen,
) -> None:
    job = lean_job()
    kitchen.runner.run(job, Cause.MANUAL)
    first = kitchen.clock()
    again = kitchen.runner.run(job, Cause.MANUAL)
    assert (again.computed, again.fresh) == (0, 6)
    kitchen.clock.advance(minutes=5)
    anew = kitchen.runner.run(job, Cause.MANUAL, scope=EVERYTHING)
    assert anew.computed == 6
    entry = entries(kitchen.pantry, job)[0]
    assert entry.computed_at == kitchen.clock()
    then = kitchen.pantry.store.as_of(entry.cache_key, first)
    assert then is not None
    assert then.computed_at == first
    assert kitchen.pantry.store.history.oldest(entry.cache_key) is None


def test_value_that_changed_leaves_the_one_before(kitchen: Kitchen) -> None:
    job = lean_job()
    kitchen.runner.run(job, Cause.MANUAL)
    first = kitchen.clock()
    kitchen.pool.functions["gain"] = lambda **given: [{"gain": given["prewt"]}]
    kitchen.clock.advance(minutes=5)
    kitchen.runner.run(job, Cause.MANUAL, scope=EVERYTHING)
    key = entries(kitchen.pantry, job)[0].cache_key
    before, now = kitchen.pantry.store.as_of(key, first), kitchen.pantry.store.get(key)
    assert before is not None
    assert now is not None
    assert before.bodies[EXACT] != now.bodies[EXACT]


def test_cell_that_fails_ends_no_other_and_tells_why(kitchen: Kitchen) -> None:
    def moody(**given: Any) -> Any:
        if given["prewt"] == 80:
            raise RError("too heavy\n\nIn call:\ngain()", "too heavy")
        return gain(**given)

    kitchen.pool.functions["gain"] = moody
    run = kitchen.runner.run(lean_job(), Cause.MANUAL)
    assert (run.status, run.computed, run.failed) == (RunStatus.PARTIAL, 4, 2)
    failed = kitchen.catalog.failed_of_run(run.id)
    assert {one.failure.message for one in failed} == {"too heavy"}
    assert {one.failure.text for one in failed} == {"too heavy\n\nIn call:\ngain()"}


def test_cells_that_fail_are_tried_again_alone(kitchen: Kitchen) -> None:
    died: list[Any] = []

    def dies_once(**given: Any) -> Any:
        if given["prewt"] == 90 and len(died) < 2:
            died.append(given)
            raise WorkerDied("a bad moment")
        return gain(**given)

    kitchen.pool.functions["gain"] = dies_once
    run = kitchen.runner.run(lean_job(retries=Retries(1)), Cause.MANUAL)
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, 6)
    assert [one["values"] for one in kitchen.pool.asked] == [6] * 6 + [2] * 2


def test_isolation_by_cell_gives_each_its_own_child(kitchen: Kitchen) -> None:
    kitchen.runner.run(lean_job(isolation="cell"), Cause.MANUAL)
    assert [one["values"] for one in kitchen.pool.asked] == [1] * 6


def test_answers_are_no_staler_for_keeping_no_session() -> None:
    assert lean_job().digest == gain_job().digest


def test_sweep_and_check_leave_them_alone(kitchen: Kitchen) -> None:
    job = lean_job()
    kitchen.runner.run(job, Cause.MANUAL)
    sweep = Sweep(kitchen.pantry.store, kitchen.pantry.sessions, 0)
    assert (sweep.check().unlinked, sweep.run(kitchen.clock()).expired) == (0, 0)
    assert len(entries(kitchen.pantry, job)) == 6
    kitchen.clock.advance(days=1)
    assert sweep.run(kitchen.clock()).expired == 6


def test_answers_are_there_while_the_run_goes_on(tmp_path: Path) -> None:
    axes = (Axis("treatment", ("CBT", "FT")), Axis("prewt", tuple(range(60, 110))))
    job = lean_job(grid=Grid((*axes, Axis("level", tuple(i / 100 for i in range(30))))))
    kitchen = Kitchen(tmp_path, job)
    seen: list[State] = []
    first = call_of_cell(job, next(job.cells()))

    def looking(**given: Any) -> Any:
        found = kitchen.pantry.resolve(first, job)
        assert found is not None
        seen.append(found.state)
        return gain(**given)

    kitchen.pool.functions["gain"] = looking
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 3000
    assert seen[0] is State.MISS
    assert seen[300:] == [State.FRESH] * 2700
    kitchen.close()
