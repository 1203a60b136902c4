"""What a run is asked for: where, only, and what it would do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import Kitchen, gain, gain_job, price_job
from test_cli import larder, make_project
from test_runs import GONE, GONE_ENGINE, failing_for

from engine.errors import RError
from jobs.call import call_of_cell
from jobs.dry_run import DryRun, dry_run
from jobs.errors import ArgumentInvalid, RowNotFound, RunInterrupted
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.records import Run
from jobs.scope import EVERYTHING, Only, Scope, narrowed
from jobs.status import Cause, Outcome, RunStatus
from jobs.why import Why

THIN = RError("too thin", "too thin")


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, gain_job())
    yield kitchen
    kitchen.close()


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    csv = tmp_path / "prices.csv"
    csv.write_text("id,carat\n" + "".join(f"{i},{i}\n" for i in range(1, 8)))
    return csv


@pytest.fixture
def prices(tmp_path: Path, csv: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path / "state", price_job(csv))
    yield kitchen
    kitchen.close()


def scope(only: str | None = None, **where: str) -> Scope:
    """`where` has the values of an argument with commas between them."""
    values = {name: tuple(texts.split(",")) for name, texts in where.items()}
    return Scope(values, Only(only) if only else None)


def run(kitchen: Kitchen, asked: Scope, job: Job | None = None) -> Run:
    kitchen.pool.calls.clear()
    return kitchen.runner.run(job or gain_job(), Cause.MANUAL, scope=asked)


def computed(kitchen: Kitchen) -> list[tuple[str, int]]:
    return [(asked["treatment"], round(asked["prewt"])) for _, asked in kitchen.pool.calls]


def would(kitchen: Kitchen, asked: Scope, job: Job | None = None) -> DryRun:
    job = job or gain_job()
    version = kitchen.keeper.preview(job, kitchen.clock())
    return dry_run(job, asked, version, kitchen.pantry, kitchen.catalog)


@pytest.mark.parametrize(
    ("where", "cells"),
    [
        ({"treatment": "CBT"}, [("CBT", 70), ("CBT", 80), ("CBT", 90)]),
        ({"prewt": "70.0,90"}, [("CBT", 70), ("FT", 70), ("CBT", 90), ("FT", 90)]),
        ({"prewt": "80", "treatment": "FT"}, [("FT", 80)]),
        ({"prewt": "80", "level": "0.95"}, [("CBT", 80), ("FT", 80)]),
    ],
)
def test_run_computes_the_cells_that_where_names(
    kitchen: Kitchen, where: dict[str, str], cells: list[tuple[str, int]]
) -> None:
    assert would(kitchen, scope(**where)).wanted == len(cells)
    done = run(kitchen, scope(**where))
    assert (done.status, done.cells_total, done.computed) == ("succeeded", len(cells), len(cells))
    assert computed(kitchen) == cells
    assert run(kitchen, scope(**where)).fresh == len(cells)


def test_where_finds_included_cells_and_no_excluded_ones(kitchen: Kitchen) -> None:
    axes = (Axis("treatment", ("CBT", "FT")), Axis("prewt", (70, 80)))
    included = ({"treatment": "FT", "prewt": 101, "level": 0.9},)
    job = gain_job(grid=Grid(axes, ({"treatment": "FT", "prewt": 70},), included))
    cells = [list(one.arguments.values()) for one in narrowed(job, scope(treatment="FT")).cells()]
    assert cells == [["FT", 80, 0.95], ["FT", 101, 0.9]]
    assert narrowed(job, scope(level="0.9")).grid == Grid(
        (Axis("level", ()),), job.grid.excluded if job.grid else (), included
    )
    with pytest.raises(ArgumentInvalid, match="no cell has treatment FT and prewt 70"):
        narrowed(job, scope(treatment="FT", prewt="70"))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"treatmnt": "CBT"}, "there is no argument treatmnt (did you mean 'treatment'?)"),
        ({"treatment": "CBX"}, "treatment is 'CBX'; allowed: CBT, FT (did you mean 'CBT'?)"),
        ({"prewt": "800"}, "prewt is 800; allowed: a number between 60 and 110 (nearest: 110)"),
        ({"prewt": "88"}, "no cell has prewt 88 (nearest: 90)"),
        ({"level": "0.9"}, "no cell has level 0.9 (nearest: 0.95)"),
    ],
)
def test_what_no_cell_has_is_told_with_the_nearest_and_starts_no_run(
    kitchen: Kitchen, where: dict[str, str], told: str
) -> None:
    with pytest.raises(ArgumentInvalid) as error:
        run(kitchen, scope(**where))
    assert str(error.value) == f"weight_gain: {told}"
    assert kitchen.catalog.runs() == []


def test_job_without_cells_has_none_to_choose_from(kitchen: Kitchen) -> None:
    with pytest.raises(ArgumentInvalid, match="no cell has treatment CBT"):
        run(kitchen, scope(treatment="CBT"), gain_job(grid=None))


def test_stale_and_missing_cells_are_told_apart(kitchen: Kitchen) -> None:
    run(kitchen, scope(treatment="CBT"))
    kitchen.clock.advance(hours=1, minutes=1)
    assert would(kitchen, scope("stale")).reasons == {Why.AGED: 3}
    assert would(kitchen, scope("missing")).reasons == {Why.NEVER: 3}
    assert would(kitchen, Scope()).reasons == {Why.AGED: 3, Why.NEVER: 3}
    done = run(kitchen, scope("missing"))
    assert (done.status, done.cells_total, done.computed) == ("succeeded", 3, 3)
    assert {treatment for treatment, _ in computed(kitchen)} == {"FT"}
    assert run(kitchen, scope("stale", prewt="70")).computed == 1


def test_all_computes_fresh_cells_too(kitchen: Kitchen) -> None:
    run(kitchen, Scope())
    kitchen.clock.advance(minutes=1)
    assert would(kitchen, EVERYTHING).reasons == {Why.FRESH: 6}
    assert run(kitchen, scope("all", treatment="FT")).computed == 3


def test_failed_cells_are_those_that_nobody_has_computed_since(kitchen: Kitchen) -> None:
    kitchen.pool.functions["gain"] = failing_for(80, THIN)
    assert run(kitchen, Scope()).status is RunStatus.PARTIAL
    kitchen.pool.functions["gain"] = gain
    kitchen.clock.advance(minutes=1)
    first = next(cell for cell in gain_job().cells() if cell.arguments["prewt"] == 80)
    kitchen.pantry.materialise(call_of_cell(gain_job(), first), gain_job())
    seen = would(kitchen, scope("failed"))
    assert (seen.wanted, seen.failed, seen.reasons) == (1, 1, {Why.NEVER: 1})
    assert [one.arguments["treatment"] for one in seen.first] == ["FT"]
    assert run(kitchen, scope("failed")).computed == 1
    assert run(kitchen, scope("failed")).cells_total == 0


def test_cell_that_failed_while_its_answer_was_fresh_counts_as_failed(kitchen: Kitchen) -> None:
    run(kitchen, Scope())
    kitchen.clock.advance(minutes=1)
    kitchen.pool.functions["gain"] = failing_for(80, THIN)
    run(kitchen, EVERYTHING)
    assert would(kitchen, scope("failed")).reasons == {Why.FRESH: 2}


def test_outcomes_of_cells_that_were_not_asked_for_stay(kitchen: Kitchen) -> None:
    run(kitchen, Scope())
    kitchen.clock.advance(hours=2)
    part = run(kitchen, scope(treatment="CBT"))
    assert kitchen.catalog.cell_counts("weight_gain") == {Outcome.COMPUTED: 6}
    assert len(kitchen.catalog.cells("weight_gain", run_id=part.id)) == 3


def test_dry_run_knows_that_r_code_changed_and_writes_nothing(kitchen: Kitchen) -> None:
    run(kitchen, Scope())
    kitchen.clock.advance(minutes=1)
    kitchen.pool.calls.clear()
    kitchen.pool.versions["scoring"] = "r2"
    assert would(kitchen, Scope()).reasons == {Why.CHANGED: 6}
    assert len(kitchen.catalog.versions("weight_gain")) == 1
    assert (len(kitchen.catalog.runs()), kitchen.pool.calls) == (1, [])


def test_run_record_says_what_was_asked_for(kitchen: Kitchen) -> None:
    done = run(kitchen, scope("missing", treatment="CBT", prewt="70,80"))
    assert kitchen.catalog.run(done.id).scope == done.scope
    assert done.scope.to_json() == {
        "where": {"treatment": ["CBT"], "prewt": ["70", "80"]},
        "only": "missing",
    }
    assert run(kitchen, Scope()).scope.to_json() is None


def test_run_that_is_taken_up_again_keeps_to_what_it_was_asked_for(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, gain_job(), owner=GONE, pool=FakePool(gain=gain))
    kitchen.pool.functions["gain"] = failing_for(90, GONE_ENGINE)
    with pytest.raises(RunInterrupted):
        run(kitchen, scope(treatment="FT"))
    kitchen.pool.functions["gain"] = gain
    (left,) = kitchen.catalog.abandoned_runs()
    done = kitchen.runner.run(gain_job(), left.cause, resume=left.id)
    assert (done.status, done.cells_total, done.computed, done.fresh) == ("succeeded", 3, 1, 2)
    kitchen.close()


def test_rows_are_chosen_by_their_key(prices: Kitchen) -> None:
    (job,) = prices.pantry.jobs.values()
    done = run(prices, scope(id="2,5"), job)
    assert (done.cells_total, done.computed) == (2, 2)
    assert prices.pool.calls[0][1]["newdata"]["carat"] == [2, 5]
    assert would(prices, scope("missing"), job).reasons == {Why.NEVER: 5}
    assert would(prices, scope("all", id="2"), job).reasons == {Why.FRESH: 1}


def test_rows_that_changed_in_the_source_are_stale(prices: Kitchen, csv: Path) -> None:
    (job,) = prices.pantry.jobs.values()
    run(prices, Scope(), job)
    csv.write_text(csv.read_text().replace("7,7\n", "7,9\n8,8\n"))
    assert would(prices, Scope(), job).reasons == {Why.ROW_CHANGED: 1, Why.NEVER: 1}
    done = run(prices, scope("stale"), job)
    assert (done.status, done.cells_total, done.computed) == ("succeeded", 1, 1)
    prices.clock.advance(hours=1)
    assert would(prices, scope("stale"), job).reasons == {Why.AGED: 7}


def test_row_that_is_not_in_the_source_is_an_error_with_the_nearest_key(prices: Kitchen) -> None:
    (job,) = prices.pantry.jobs.values()
    with pytest.raises(RowNotFound, match=r"no row with key 11 \(nearest: 7\)"):
        would(prices, scope(id="11"), job)
    failed = run(prices, scope(id="11"), job)
    assert (failed.status, failed.error) == ("failed", "prices has no row with key 11 (nearest: 7)")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (scope(carat="2"), "rows are chosen by their key, not by carat"),
        (scope("failed"), "failed rows are stale or missing"),
    ],
)
def test_rows_cannot_be_chosen_otherwise(prices: Kitchen, asked: Scope, told: str) -> None:
    (job,) = prices.pantry.jobs.values()
    with pytest.raises(ArgumentInvalid, match=told):
        run(prices, asked, job)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--where", "treatment"), "write NAME=VALUE"),
        (("--where", "tretment=CBT"), "did you mean 'treatment'?"),
        (("--where", "prewt=71", "--dry-run"), "no cell has prewt 71 (nearest: 70)"),
        (("--only", "old"), "'old' is not one of"),
    ],
)
def test_mistakes_are_usage_errors_and_start_no_r(
    project: Path, words: tuple[Any, ...], told: str
) -> None:
    ran = larder("run", "weight_gain", *words, "--project", project)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err


@pytest.mark.r
def test_dry_run_tells_what_the_run_then_does(project: Path) -> None:
    words = ("run", "weight_gain", "--where", "treatment=FT", "--project", project)
    told = larder(*words, "--dry-run")
    assert told.status == 0
    assert told.out.startswith("weight_gain: 3 of 3 cells would be computed\n")
    assert "3  missing: it was never computed" in told.out
    assert "treatment=FT prewt=70 level=0.95  never computed" in told.out
    done = json.loads(larder(*words, "--json").out)
    assert (done["computed"], done["scope"]["where"]) == (3, {"treatment": ["FT"]})
    seen = json.loads(larder("run", "weight_gain", "-p", project, "--dry-run", "--json").out)
    assert (seen["would_compute"], seen["reasons"]) == (3, {"never_computed": 3})
