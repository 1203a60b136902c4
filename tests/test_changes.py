"""What job files would change: against what is live, without doing it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kitchen import Kitchen, gain_job, price_job
from test_cli import GAIN, PRICES, larder, make_project

from cache.freshness import Freshness
from cache.keys import Code
from jobs.argument import ArgumentSpec
from jobs.changes import CellChanges, JobChange, changes
from jobs.entry_facts import cells_of_facts, entry_facts
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.project import load_project
from jobs.schedule_spec import parse_schedule
from jobs.status import Cause
from larder.plan import fires_of

WIDER = Grid((Axis("treatment", ("CBT", "FT")), Axis("prewt", (80, 90, 100, 110))))


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    """The job is live and has run: its six cells are fresh."""
    kitchen = Kitchen(tmp_path, gain_job())
    kitchen.keeper.publish([gain_job()])
    kitchen.runner.run(gain_job(), Cause.SCHEDULE)
    kitchen.clock.advance(minutes=1)
    yield kitchen
    kitchen.close()


def planned(kitchen: Kitchen, *jobs: Job) -> list[JobChange]:
    return changes(jobs, kitchen.catalog, kitchen.pantry, kitchen.keeper)


def change_of(kitchen: Kitchen, **changed: Any) -> JobChange:
    (one,) = planned(kitchen, gain_job(**changed))
    return one


def test_what_is_live_is_unchanged(kitchen: Kitchen) -> None:
    one = change_of(kitchen)
    assert (one.what, one.keys, one.makes_stale) == ("unchanged", (), False)
    assert (one.cells, one.estimate_s) == (CellChanges(total=6), 0)


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        ({"description": "in other words"}, ("description",)),
        ({"schedule": (parse_schedule("0 5 * * *"),)}, ("schedule",)),
        ({"freshness": Freshness(1, 2, 3), "retries": 2}, ("cache", "retries")),
    ],
)
def test_what_decides_no_answer_makes_none_stale(
    kitchen: Kitchen, changed: dict[str, Any], keys: tuple[str, ...]
) -> None:
    one = change_of(kitchen, **changed)
    assert (one.what, one.keys, one.makes_stale) == ("changed", keys, False)
    assert one.cells == CellChanges(total=6)


def test_another_grid_has_new_cells_and_drops_others(kitchen: Kitchen) -> None:
    one = change_of(kitchen, grid=WIDER)
    assert (one.keys, one.makes_stale) == (("grid",), False)
    assert one.cells == CellChanges(total=8, new=4, dropped=2)
    assert one.estimate_s == pytest.approx(0.04)


def test_other_outputs_make_every_fresh_cell_stale(kitchen: Kitchen) -> None:
    one = change_of(kitchen, outputs=("json", "csv"))
    assert (one.keys, one.makes_stale) == (("outputs",), True)
    assert one.cells == CellChanges(total=6, stale=6)
    assert one.estimate_s == pytest.approx(0.06)


def test_another_seed_is_asked_for_under_other_keys(kitchen: Kitchen) -> None:
    one = change_of(kitchen, seed=7)
    assert (one.keys, one.makes_stale) == (("seed",), True)
    assert one.cells == CellChanges(total=6, new=6, dropped=6)


def test_changed_r_code_is_told_without_a_change_of_the_entry(kitchen: Kitchen) -> None:
    kitchen.pool.versions["scoring"] = "r2"
    one = change_of(kitchen)
    assert (one.what, one.keys, one.makes_stale) == ("changed", ("code",), True)
    assert one.cells == CellChanges(total=6, stale=6)


def test_cells_that_are_stale_already_do_not_become_stale(kitchen: Kitchen) -> None:
    kitchen.clock.advance(hours=1)
    assert change_of(kitchen, outputs=("json", "csv")).cells == CellChanges(total=6)


def test_added_and_removed_jobs_are_told(kitchen: Kitchen) -> None:
    added, removed = planned(kitchen, gain_job(name="other"))
    assert (added.what, added.cells) == ("added", CellChanges(total=6, new=6))
    assert added.estimate_s is None
    assert (removed.name, removed.what, removed.job) == ("weight_gain", "removed", None)
    assert removed.cells == CellChanges(dropped=6)


def test_looking_changes_nothing(kitchen: Kitchen) -> None:
    versions = kitchen.catalog.versions("weight_gain")
    change_of(kitchen, seed=7, grid=WIDER)
    assert kitchen.catalog.versions("weight_gain") == versions
    assert list(kitchen.catalog.live_entries()) == ["weight_gain"]
    assert change_of(kitchen).what == "unchanged"


def test_rows_are_compared_with_their_source(tmp_path: Path) -> None:
    csv = tmp_path / "prices.csv"
    csv.write_text("id,carat\n1,1\n2,2\n3,3\n")
    kitchen = Kitchen(tmp_path / "state", price_job(csv))
    kitchen.keeper.publish([price_job(csv)])
    kitchen.runner.run(price_job(csv), Cause.SCHEDULE)
    csv.write_text("id,carat\n2,2\n3,3\n4,4\n5,5\n")
    (same,) = planned(kitchen, price_job(csv))
    assert (same.what, same.cells) == ("unchanged", CellChanges(4, new=2, dropped=1))
    kitchen.pool.versions["scoring"] = "r2"
    (one,) = planned(kitchen, price_job(csv))
    assert (one.keys, one.cells) == (("code",), CellChanges(4, stale=2, new=2, dropped=1))
    assert planned(kitchen)[0].cells == CellChanges(dropped=3)
    kitchen.close()


def test_cells_can_be_told_again_from_the_noted_entry() -> None:
    arguments = (
        ArgumentSpec("x", "any"),
        ArgumentSpec("y", "any", default=None, required=False),
    )
    grid = Grid(
        (Axis("x", (1, 2.5, "a", True, Code("Sys.Date()"), [1, "b"])),),
        ({"x": "a"},),
        ({"x": 3, "y": 4},),
    )
    job = gain_job(arguments=arguments, grid=grid, seed=3)
    noted = json.loads(json.dumps(entry_facts(job)))
    again = cells_of_facts(job.name, noted)
    assert noted == entry_facts(job)
    keys = [job.cache_key(cell.arguments) for cell in job.cells()]
    assert [again.cache_key(cell.arguments) for cell in again.cells()] == keys


def test_every_entry_of_the_example_can_be_noted() -> None:
    project = load_project(Path(__file__).parent.parent / "examples" / "scoring")
    for job in project.jobs.values():
        noted = json.loads(json.dumps(entry_facts(job)))
        assert noted == entry_facts(replace(job, description=job.description))


def test_fires_are_told_by_the_clock_of_their_own_zone() -> None:
    rules = (parse_schedule("30 2 * * *", "America/Chicago"), parse_schedule("at_start"))
    nightly, at_start = fires_of(gain_job(schedule=rules), datetime(2026, 3, 6, 12, tzinfo=UTC))
    assert [time.isoformat() for time in nightly.times] == [
        "2026-03-07T02:30:00-06:00",
        "2026-03-08T03:00:00-05:00",
        "2026-03-09T02:30:00-05:00",
        "2026-03-10T02:30:00-05:00",
        "2026-03-11T02:30:00-05:00",
    ]
    assert at_start.times == ()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def test_plan_of_broken_files_is_the_report_of_check(project: Path) -> None:
    (project / "jobs" / "gain.yaml").write_text(GAIN.replace("min: 60", "mim: 60"))
    planned_, checked = larder("plan", project), larder("check", project, "--no-r")
    assert (planned_.out, planned_.status) == (checked.out, 1)
    assert json.loads(larder("plan", project, "--json").out)["problems"][0]["line"] == 7


@pytest.mark.r
def test_plan_tells_what_a_change_does_before_it_is_live(project: Path) -> None:
    first = larder("plan", project)
    assert first.status == 0
    assert first.out.startswith("scoring: 2 added\n+ weight_gain\n")
    assert "6 cells: 6 new; R takes an unknown time" in first.out
    assert larder("run", "weight_gain", "--project", project).status == 0
    (project / "jobs" / "gain.yaml").write_text(
        GAIN.replace("prewt: [70, 80, 90]", "prewt: [80, 90, 100]")
        + "    schedule: {cron: '0 5 * * *', timezone: America/Chicago}\n"
    )
    (project / "jobs" / "prices.yaml").write_text(PRICES)
    told = larder("plan", project)
    assert told.status == 0
    assert "~ weight_gain\n    changed: grid, schedule; no answer becomes stale" in told.out
    assert "6 cells: 2 new, 2 dropped; R takes about" in told.out
    assert "0 5 * * * (America/Chicago): " in told.out
    seen = {one["job"]: one for one in json.loads(larder("plan", project, "--json").out)["jobs"]}
    assert len(seen["weight_gain"]["schedules"][0]["next_fires"]) == 5
    assert seen["weight_gain"]["keys"] == ["grid", "schedule"]
    (project / "models" / "models.R").write_text("gain <- function(treatment) 1\n")
    broken = larder("plan", project)
    assert broken.status == 1
    assert "scoring::gain takes no argument 'prewt'" in broken.out


def test_plan_compares_a_copy_with_the_project_that_is_served(
    project: Path, tmp_path: Path
) -> None:
    assert larder("run", "weight_gain", "--project", project).status == 0
    served = larder("plan", project).out
    branch = tmp_path / "branch"
    shutil.copytree(project, branch, ignore=shutil.ignore_patterns(".larder", "larder.yaml"))
    assert larder("plan", branch, "--live", project).out == served
    (branch / "jobs" / "gain.yaml").write_text(
        GAIN.replace("prewt: [70, 80, 90]", "prewt: [80, 90, 100]")
    )
    told = larder("plan", branch, "--live", project).out
    assert "~ weight_gain\n    changed: grid; no answer becomes stale" in told
    assert "6 cells: 2 new, 2 dropped; R takes about" in told
    assert larder("plan", project).out == served
    assert larder("plan", branch, "--live", tmp_path / "nowhere").status == 1
