"""Removed jobs: their answers stay for as long as the job's `keep`, and are fresh if it returns."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kitchen import Kitchen, gain_job, price_job

from jobs.argument import ArgumentSpec
from jobs.axis_source import AxisSource
from jobs.entry_facts import entry_facts
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.status import Cause
from jobs.table_source import CsvFile


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path / "state")
    yield kitchen
    kitchen.close()


def prices(folder: Path) -> Job:
    (folder / "prices.csv").write_text("id,carat\n1,0.5\n2,0.7\n")
    return price_job(folder / "prices.csv")


def gains(folder: Path) -> Job:
    """Its weights come from a file."""
    (folder / "weights.csv").write_text("prewt\n70\n80\n")
    spec = ArgumentSpec("prewt", "number")
    source = AxisSource(CsvFile(folder / "weights.csv"), None, spec)
    grid = Grid((Axis("treatment", ("CBT",)), Axis("prewt", (), source)))
    return replace(gain_job(), grid=grid)


def define(kitchen: Kitchen, *jobs: Job) -> None:
    """Makes these the jobs there are, as the scheduler does."""
    kitchen.pantry.use(JobSet(jobs))
    kitchen.pantry.removed.follow(kitchen.catalog.live_entries(), kitchen.pantry.jobs)
    kitchen.keeper.publish(kitchen.pantry.jobs.values())


def files(kitchen: Kitchen) -> set[str]:
    """The files that jobs have for themselves."""
    state = kitchen.pantry.store.folder.parent
    return {path.name for path in (*state.glob("rows/*.db"), *state.glob("grids/*.json"))}


def test_a_job_that_comes_back_unchanged_has_its_answers_still(
    tmp_path: Path, kitchen: Kitchen
) -> None:
    jobs = [prices(tmp_path), gains(tmp_path)]
    define(kitchen, *jobs)
    assert [kitchen.runner.run(job, Cause.MANUAL).computed for job in jobs] == [2, 2]
    define(kitchen)
    kitchen.clock.advance(hours=0.5)
    assert kitchen.pantry.removed.sweep() == []
    define(kitchen, *jobs)
    counts = [kitchen.pantry.freshness(job) for job in kitchen.pantry.jobs.values()]
    assert [(one.fresh, one.total) for one in counts] == [(2, 2), (2, 2)]
    assert [kitchen.runner.run(job, Cause.MANUAL).fresh for job in jobs] == [2, 2]


def test_files_of_a_removed_job_go_when_its_keep_is_over(tmp_path: Path, kitchen: Kitchen) -> None:
    jobs = [prices(tmp_path), gains(tmp_path)]
    define(kitchen, *jobs)
    for job in jobs:
        kitchen.runner.run(job, Cause.MANUAL)
    define(kitchen)
    kitchen.clock.advance(hours=9)
    assert kitchen.pantry.removed.sweep() == []
    assert files(kitchen) == {"prices.db", "weight_gain.json"}
    kitchen.clock.advance(hours=1)
    assert set(kitchen.pantry.removed.sweep()) == {"prices", "weight_gain"}
    assert files(kitchen) == set()
    assert kitchen.pantry.removed.sweep() == []


def test_a_job_that_returns_after_that_begins_anew(tmp_path: Path, kitchen: Kitchen) -> None:
    job = prices(tmp_path)
    define(kitchen, job)
    kitchen.runner.run(job, Cause.MANUAL)
    define(kitchen)
    kitchen.clock.advance(hours=10)
    kitchen.pantry.removed.sweep()
    define(kitchen, job)
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 2
    assert kitchen.pantry.row_answers.table(job).count() == 2


def test_a_job_that_is_back_is_not_swept(tmp_path: Path, kitchen: Kitchen) -> None:
    job = prices(tmp_path)
    define(kitchen, job)
    kitchen.runner.run(job, Cause.MANUAL)
    define(kitchen)
    define(kitchen, job)
    kitchen.clock.advance(days=30)
    assert kitchen.pantry.removed.sweep() == []
    assert files(kitchen) == {"prices.db"}


def test_what_was_noted_and_cannot_be_read_costs_no_answers(
    tmp_path: Path, kitchen: Kitchen, caplog: pytest.LogCaptureFixture
) -> None:
    job = prices(tmp_path)
    define(kitchen, job)
    kitchen.runner.run(job, Cause.MANUAL)
    (tmp_path / "state" / "removed.json").write_text("[")
    assert kitchen.pantry.removed.sweep() == []
    assert "removed jobs not known" in caplog.text
    kitchen.pantry.removed.follow({job.name: entry_facts(job)}, {})
    assert files(kitchen) == {"prices.db"}
