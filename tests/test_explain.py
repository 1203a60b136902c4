"""Explaining an answer: what there is, why, what is near, and what made it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kitchen import Kitchen, gain_job, price_job
from test_cli import larder, make_project, with_results

from api.explain_view import explain_view
from engine.errors import RError
from jobs.argument import ArgumentSpec
from jobs.call import Call
from jobs.errors import JobNotFound
from jobs.explain import Explanation
from jobs.explain import explain as explain_call
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.status import Cause
from jobs.why import Why


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, gain_job())
    yield kitchen
    kitchen.close()


@pytest.fixture
def prices(tmp_path: Path) -> Iterator[Kitchen]:
    csv = tmp_path / "prices.csv"
    csv.write_text("id,carat\n" + "".join(f"{10 * i},{i / 10}\n" for i in range(1, 8)))
    kitchen = Kitchen(tmp_path / "state", price_job(csv))
    yield kitchen
    kitchen.close()


def explain(kitchen: Kitchen, job: str = "weight_gain", **asked: Any) -> Explanation:
    pairs = [(name, str(value)) for name, value in asked.items()]
    return explain_call(kitchen.pantry, kitchen.catalog, job, pairs)


def run(kitchen: Kitchen, job: Job | None = None) -> int:
    return kitchen.runner.run(job or gain_job(), Cause.SCHEDULE).id


def test_hit_names_the_run_the_code_and_the_times_that_it_holds(kitchen: Kitchen) -> None:
    ran = run(kitchen, gain_job(seed=7))
    kitchen.pantry.use(JobSet([gain_job(seed=7)]))
    began = kitchen.clock.now
    kitchen.clock.advance(minutes=10)
    seen = explain_view(explain(kitchen, prewt="70.0", treatment="CBT"))
    assert (seen["state"], seen["why"], seen["on_asking"]) == ("hit", "fresh", "served")
    assert seen["arguments"] == {"treatment": "CBT", "prewt": 70, "level": 0.95}
    made = seen["made_by"]
    assert (made["run"], made["seed"], made["version"]) == (ran, 7, seen["version"])
    assert made["code"] == {"package": "scoring", "version": "r1", "r": "4.5.0", "release": ""}
    assert made["computed_at"] == f"{began:%Y-%m-%dT%H:%M:%S}.000000Z"
    assert made["fresh_until"].startswith("2026-11-23T06:00")
    assert made["stale_until"].startswith("2026-11-23T08:00")
    assert made["duration_s"] == 0.01


def test_key_is_that_of_the_stored_answer(kitchen: Kitchen) -> None:
    run(kitchen)
    key = explain(kitchen, prewt=70, treatment="CBT").cache_key
    assert key in {entry.cache_key for entry in kitchen.pantry.store.summary("weight_gain")}


def test_answer_grows_stale_then_too_old(kitchen: Kitchen) -> None:
    run(kitchen)
    kitchen.clock.advance(hours=1)
    aged = explain(kitchen, prewt=70, treatment="CBT")
    assert (aged.why, aged.on_asking) == (Why.AGED, "served_and_renewed")
    kitchen.clock.advance(hours=2)
    expired = explain(kitchen, prewt=70, treatment="CBT")
    assert (expired.why, expired.on_asking) == (Why.EXPIRED, "computed")
    assert expired.made_by is not None


def test_change_of_version_is_named_by_what_changed(kitchen: Kitchen) -> None:
    run(kitchen)
    kitchen.clock.advance(minutes=5)
    kitchen.pool.versions["scoring"] = "r2"
    kitchen.keeper.publish([gain_job(outputs=("json", "csv"))])
    seen = explain(kitchen, prewt=70, treatment="CBT")
    assert seen.why is Why.CHANGED
    assert seen.made_by is not None
    assert seen.made_by.changed == ("outputs", "code")
    assert seen.made_by.fresh_until == kitchen.clock.now


def test_cell_that_no_run_has_computed_is_said_to_be_prepared(kitchen: Kitchen) -> None:
    seen = explain(kitchen, prewt=70, treatment="CBT")
    assert (seen.why, seen.prepared, seen.nearest, seen.made_by) == (Why.NEVER, True, None, None)


def test_failed_cell_tells_the_error_of_its_run(kitchen: Kitchen) -> None:
    def fails(**_: Any) -> None:
        raise RError("Error in lm(): no convergence", "no convergence")

    kitchen.pool.functions["gain"] = fails
    run(kitchen)
    seen = explain(kitchen, prewt=70, treatment="CBT")
    assert (seen.why, seen.error) == (Why.NEVER, "no convergence")


def test_answer_made_on_demand_has_no_run(kitchen: Kitchen) -> None:
    kitchen.keeper.publish([gain_job()])
    call = Call("scoring::gain", {"treatment": "FT", "prewt": 101})
    kitchen.pantry.materialise(call, gain_job())
    seen = explain(kitchen, prewt=101, treatment="FT")
    assert (seen.why, seen.prepared) == (Why.FRESH, False)
    assert seen.made_by is not None
    assert seen.made_by.run_id is None


@pytest.mark.parametrize(
    ("asked", "nearest", "differs"),
    [
        ({"treatment": "CBT", "prewt": 81}, {"treatment": "CBT", "prewt": 80}, ["prewt"]),
        ({"treatment": "FT", "prewt": 109}, {"treatment": "FT", "prewt": 90}, ["prewt"]),
        (
            {"treatment": "FT", "prewt": 90, "level": 0.9},
            {"treatment": "FT", "prewt": 90},
            ["level"],
        ),
    ],
)
def test_what_was_not_prepared_is_told_the_nearest_cell(
    kitchen: Kitchen, asked: dict[str, Any], nearest: dict[str, Any], differs: list[str]
) -> None:
    seen = explain(kitchen, **asked)
    assert (seen.why, seen.on_asking) == (Why.NOT_PREPARED, "computed")
    assert seen.nearest is not None
    assert seen.nearest.arguments == {**nearest, "level": 0.95}
    assert [one.argument for one in seen.nearest.differences] == differs


def test_nearest_cell_is_none_that_the_grid_leaves_out(kitchen: Kitchen) -> None:
    axes = (Axis("treatment", ("CBT", "FT")), Axis("prewt", (70, 80, 90)))
    excluded = ({"treatment": "CBT", "prewt": 80}, {"treatment": "CBT", "prewt": 90})
    included = ({"treatment": "CBT", "prewt": 100},)
    kitchen.pantry.use(JobSet([gain_job(grid=Grid(axes, excluded, included))]))
    assert prepared_near(kitchen, 78) == 70
    assert prepared_near(kitchen, 98) == 100


def prepared_near(kitchen: Kitchen, prewt: float) -> Any:
    near = explain(kitchen, treatment="CBT", prewt=prewt).nearest
    return near and near.arguments["prewt"]


def test_nearest_day_is_the_one_with_the_fewest_days_between(kitchen: Kitchen) -> None:
    grid = Grid((Axis("treatment", ("2026-01-31", "2026-03-30")), Axis("prewt", (70,))))
    spec = ArgumentSpec("treatment", "string")
    job = gain_job(grid=grid, arguments=(spec, *gain_job().arguments[1:]))
    kitchen.pantry.use(JobSet([job]))
    near = explain(kitchen, treatment="2026-02-09", prewt=70).nearest
    assert near is not None
    assert near.arguments["treatment"] == "2026-01-31"


def test_nearest_of_many_texts_begins_as_the_one_asked_for(kitchen: Kitchen) -> None:
    names = tuple(f"{town}-{number:03}" for town in ("Ulm", "Bonn", "Kiel") for number in range(99))
    axes = (Axis("treatment", names), Axis("prewt", (70,)))
    excluded = ({"treatment": "Kiel-042"}, {"treatment": "Kiel-041"})
    spec = ArgumentSpec("treatment", "string")
    arguments = (spec, *gain_job().arguments[1:])
    kitchen.pantry.use(JobSet([gain_job(grid=Grid(axes, excluded), arguments=arguments)]))
    near = explain(kitchen, treatment="Kiel-042", prewt=70).nearest
    assert near is not None
    assert str(near.arguments["treatment"]).startswith("Kiel-0")
    same = explain(kitchen, treatment="Bonn-007", prewt=75).nearest
    assert same is not None
    assert [one.argument for one in same.differences] == ["prewt"]


def test_arguments_outside_the_contract_have_its_faults_and_the_nearest_cell(
    kitchen: Kitchen,
) -> None:
    seen = explain(kitchen, treatment="CBX", prewt=800, lvel=0.9)
    assert (seen.why, seen.on_asking, seen.cache_key) == (Why.NOT_ALLOWED, "refused", None)
    assert {fault.argument: fault.hint for fault in seen.faults} == {
        "lvel": "did you mean 'level'?",
        "treatment": "did you mean 'CBT'?",
        "prewt": "nearest: 110",
    }
    assert seen.nearest is not None
    assert seen.nearest.arguments == {"treatment": "CBT", "prewt": 90, "level": 0.95}


def test_job_that_computes_nothing_on_demand_refuses(kitchen: Kitchen) -> None:
    kitchen.pantry.use(JobSet([gain_job(on_miss="refuse")]))
    assert explain(kitchen, treatment="CBT", prewt=81).on_asking == "refused"


def test_job_without_a_grid_has_no_nearest_cell(kitchen: Kitchen) -> None:
    kitchen.pantry.use(JobSet([gain_job(grid=None)]))
    assert explain(kitchen, treatment="CBT", prewt=81).nearest is None


def test_unknown_job_is_an_error(kitchen: Kitchen) -> None:
    with pytest.raises(JobNotFound, match="did you mean 'weight_gain'"):
        explain(kitchen, "weight_gian")


def test_row_names_its_run_and_the_batch_that_it_was_computed_in(prices: Kitchen) -> None:
    (job,) = prices.pantry.jobs.values()
    ran = run(prices, job)
    seen = explain_view(explain(prices, "prices", id=20))
    assert (seen["state"], seen["arguments"], seen["cache_key"]) == ("hit", {"id": 20}, None)
    made = seen["made_by"]
    assert (made["run"], made["batch_rows"], made["code"]["version"]) == (ran, 3, "r1")


def test_row_that_is_not_in_the_source_is_told_the_nearest_key(prices: Kitchen) -> None:
    seen = explain(prices, "prices", id=24)
    assert (seen.why, seen.prepared, seen.on_asking) == (Why.NOT_IN_SOURCE, False, "refused")
    assert seen.nearest is not None
    assert seen.nearest.arguments == {"id": 20}
    assert explain(prices, "prices", id=20).why is Why.NEVER


def test_text_key_is_compared_by_its_letters(prices: Kitchen, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("id,carat\nanna-1,1\nberta-2,2\n")
    near = explain(prices, "prices", id="brta-2").nearest
    assert near is not None
    assert near.arguments == {"id": "berta-2"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def test_command_prints_a_page_that_can_be_read(project: Path) -> None:
    with_results(project, gain_job()).close()
    told = larder("explain", "weight_gain", "prewt=81", "treatment=FT", "--project", project)
    assert told.status == 0
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert lines[0].startswith("weight_gain: miss, it is no cell of the grid")
    assert "differs in prewt: 80 instead of 81" in lines
    hit = larder("explain", "weight_gain", "prewt=80", "treatment=FT", "--project", project).out
    assert "weight_gain: hit, it is current" in hit
    assert "run 1" in hit
    assert "scoring r1, 4.5.0" in hit


def test_command_prints_the_document_of_v1(project: Path) -> None:
    with_results(project, gain_job()).close()
    words = ("explain", "weight_gain", "prewt=7", "treatment=FT", "--project", project, "--json")
    seen = json.loads(larder(*words).out)
    assert (seen["state"], seen["why"]) == ("miss", "not_allowed")
    assert seen["errors"][0]["hint"] == "nearest: 60"


@pytest.mark.parametrize("words", [("weight_gian",), ("weight_gain", "prewt")])
def test_command_that_is_not_understood_is_a_usage_error(
    project: Path, words: tuple[str, ...]
) -> None:
    told = larder("explain", *words, "--project", project)
    assert (told.status, told.out) == (2, "")
