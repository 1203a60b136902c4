"""Checks of results: what fails one, what is said of it, and that the last good answer stays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from kitchen import Kitchen, gain_job, price_job

from cache.entry import State
from engine.call import Argument, FunctionCall
from engine.errors import RError
from engine.limits import Limits
from jobs.call import Call, call_of_cell
from jobs.check import check
from jobs.errors import CallFailed
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.project import load_project
from jobs.retries import Retries
from jobs.scope import EVERYTHING
from jobs.status import Cause, Outcome, RunStatus

pytestmark = pytest.mark.r

MODELS = """
gain <- function(treatment, prewt, level = 0.95) {
  cat("gain of", treatment, "\\n")
  if (prewt > 85 && file.exists(OFF)) return(data.frame(gain = NA_real_))
  data.frame(gain = prewt / 10, level = level)
}
given <- function(x) x
plausible <- function(x) all(x < 100)
price <- function(newdata) data.frame(price = ifelse(newdata$carat < BOUND, newdata$carat, NA))
prices <- function(newdata) newdata$carat
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "models").mkdir()
    (folder / "data").mkdir()
    off = folder / "data" / "off"
    models = MODELS.replace("OFF", f'"{off}"').replace("BOUND", "9")
    (folder / "models" / "models.R").write_text(models)
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Engine]:
    state = tmp_path_factory.mktemp("engine")
    engine = Engine(state, project, name="scoring")
    yield engine
    engine.close()


@pytest.fixture
def kitchen(engine: Engine) -> Iterator[Kitchen]:
    kitchen = Kitchen(engine.state, gain_job(), pool=engine.pool)
    yield kitchen
    kitchen.close()
    for path in [*engine.state.glob("catalog.db*"), *engine.state.glob("rows/*")]:
        path.unlink()


def checked(*checks: str) -> Job:
    axes = (Axis("treatment", ("CBT", "FT")), Axis("prewt", (70, 90)))
    return gain_job(grid=Grid(axes), checks=checks)


def said_of(engine: Engine, value: str, *checks: str, **more: str) -> str | None:
    """What is said of a value, given as R code, under these checks; None where all are passed."""
    stage = engine.sessions.stage()
    arguments = tuple(Argument(name, "code", code) for name, code in {"x": value, **more}.items())
    call = FunctionCall("scoring", "given", arguments, checks=checks)
    evaluation = engine.pool.evaluate(call, stage=stage.path, limits=Limits())
    engine.sessions.publish(stage)
    engine.last = stage.session_key
    return evaluation.error_message


@pytest.mark.parametrize(
    ("value", "check", "message"),
    [
        ("1", "value == 1", None),
        ("1:3", "value > 0", None),
        ("1:3", "value == x", None),
        ("5", "plausible(value)", None),
        ("NULL", "is.null(value)", None),
        ("1", "value > 1", "the check value > 1 failed: it gave FALSE"),
        ("NA_real_", "value > 1", "the check value > 1 failed: it gave NA"),
        ("c(2, 3, NA, 0)", "value > 1", "it gave NA at 3, and is not TRUE for 2 of 4"),
        ("list(gain = 1)", "value$gian > 0", "it gave nothing to look at, logical(0)"),
        ("1", "value", "it gave 1, which is neither TRUE nor FALSE"),
        ("1", "value > limit", "object 'limit' not found"),
        ("1", "stop('never')", "the check stop('never') failed: never"),
        ("1", "value >", "the check value > failed: "),
        ("1", "warning('careful')", "neither TRUE nor FALSE"),
        ("500", "plausible(value)", "the check plausible(value) failed: it gave FALSE"),
    ],
)
def test_check_passes_where_it_gives_nothing_but_true(
    engine: Engine, value: str, check: str, message: str | None
) -> None:
    said = said_of(engine, value, check)
    assert said is None if message is None else message in (said or "")


def test_all_checks_that_fail_are_named(engine: Engine) -> None:
    said = said_of(engine, "5", "value > 9", "value > 1", "value < 0")
    assert said == "; ".join(
        f"the check value {check} failed: it gave FALSE" for check in ("> 9", "< 0")
    )


def test_session_of_a_failed_check_is_readable_as_that_of_an_error(engine: Engine) -> None:
    said_of(engine, "c(a = 5)", "value > 9")
    session = engine.sessions.open(engine.last)
    assert session.manifest.error == "the check value > 9 failed: it gave FALSE"
    assert session.manifest.texts["console"][-1].startswith("Error:\nthe check value > 9")
    assert ".val" in session.manifest.objects


# Grids


def test_failed_check_keeps_the_last_good_answer_and_marks_the_cell(
    kitchen: Kitchen, project: Path
) -> None:
    job = checked("is.finite(value$gain)", "nrow(value) == 1")
    assert kitchen.runner.run(job, Cause.MANUAL).status is RunStatus.SUCCEEDED
    kitchen.clock.advance(hours=2)
    (project / "data" / "off").touch()
    try:
        run = kitchen.runner.run(job, Cause.SCHEDULE)
    finally:
        (project / "data" / "off").unlink()
    assert (run.status, run.computed, run.failed) == (RunStatus.PARTIAL, 2, 2)
    message = "the check is.finite(value$gain) failed: it gave FALSE"
    assert run.error == f"2 of 4 failed; the first: {message}"
    failed = kitchen.catalog.cells(job.name, outcome=[Outcome.FAILED])
    assert [(cell.arguments["prewt"], cell.error) for cell in failed] == [(90, message)] * 2
    found = [kitchen.pantry.resolve(call_of_cell(job, cell), job) for cell in job.cells()]
    assert [one.state for one in found if one] == [State.FRESH, State.FRESH] + [State.STALE] * 2


def test_call_on_demand_that_fails_a_check_is_an_error_and_not_kept(kitchen: Kitchen) -> None:
    job = checked("value$gain < prewt / 10")
    call = Call("scoring::gain", {"treatment": "FT", "prewt": 75})
    with pytest.raises(CallFailed, match="it gave FALSE") as failed:
        kitchen.pantry.materialise(call, job)
    session = kitchen.pantry.sessions.open(failed.value.session_key)
    assert "the check value$gain < prewt / 10 failed" in (session.manifest.error or "")
    resolution = kitchen.pantry.resolve(call, job)
    assert resolution is None or resolution.state is State.MISS


def test_check_sees_declared_defaults_too(kitchen: Kitchen) -> None:
    job = checked("value$level == level", "level == 0.95")
    assert kitchen.runner.run(job, Cause.MANUAL, scope=EVERYTHING).failed == 0


def test_changed_checks_make_earlier_answers_stale() -> None:
    assert checked("value > 0").digest != checked("value > 1").digest


# Rows


def rows_job(csv: Path, carats: list[float], *checks: str, **changes: Any) -> Job:
    lines = ["id,carat", *(f"{place},{carat}" for place, carat in enumerate(carats, start=1))]
    csv.write_text("\n".join(lines) + "\n")
    return price_job(csv, checks=checks, **changes)


def prices(kitchen: Kitchen, job: Job, count: int) -> list[Any]:
    found = [kitchen.pantry.row_answer(job, key).answer for key in range(1, count + 1)]
    return [one and next(iter(one.values.values())) for one in found]


def test_rows_fail_where_the_check_is_not_true(kitchen: Kitchen, tmp_path: Path) -> None:
    job = rows_job(tmp_path / "a.csv", [1, 20, 3, 4], "is.finite(value$price)")
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.status, run.computed, run.failed) == (RunStatus.PARTIAL, 3, 1)
    assert "1 of 3 rows: the check is.finite(value$price) failed: it gave FALSE at 2" in (
        run.error or ""
    )
    assert prices(kitchen, job, 4) == [1, None, 3, 4]


def test_row_that_fails_keeps_its_last_good_answer(kitchen: Kitchen, tmp_path: Path) -> None:
    check = "is.finite(value$price)"
    kitchen.runner.run(rows_job(tmp_path / "a.csv", [1, 2, 3, 4], check), Cause.MANUAL)
    job = rows_job(tmp_path / "a.csv", [5, 20, 6, 4], check)
    kitchen.runner.run(job, Cause.MANUAL)
    assert prices(kitchen, job, 4) == [5, 2, 6, 4]


@pytest.mark.parametrize("check", ["nrow(value) == 99", "c(TRUE, TRUE)", "stop('no')"])
def test_check_of_the_whole_batch_fails_all_its_rows(
    kitchen: Kitchen, tmp_path: Path, check: str
) -> None:
    job = rows_job(tmp_path / "a.csv", [1, 2, 3], check, retries=Retries(1, wait_s=0))
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.status, run.failed) == (RunStatus.FAILED, 3)
    assert [batch.attempts for batch in kitchen.catalog.batches(job.name)] == [2]


def test_checks_of_a_vector_answer_are_about_the_vector(kitchen: Kitchen, tmp_path: Path) -> None:
    job = rows_job(tmp_path / "a.csv", [1, 2, 3], "value < 3", function="prices")
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 2


def test_row_asked_for_that_fails_a_check_is_an_error(kitchen: Kitchen, tmp_path: Path) -> None:
    job = rows_job(tmp_path / "a.csv", [1, 20, 3], "is.finite(value$price)")
    with pytest.raises(RError, match="failed: it gave FALSE"):
        kitchen.pantry.row_answers.begin(job, 2).result(20)
    assert kitchen.pantry.row_answers.find(job, 2).state is State.MISS


# Mistakes


def test_expression_that_r_cannot_read_is_told_at_its_place(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.yaml").write_text(
        "jobs:\n  a:\n    function: scoring::given\n    args: {x: {}}\n    checks:\n"
        '      - is.finite(value\n      - value > 0\n      - value > 0; TRUE\n      - "x y"\n'
    )
    found = check(
        load_project(tmp_path), engine.pool.contract, code_problems=engine.pool.code_problems
    )
    assert [str(problem) for problem in found] == [
        f"jobs/a.yaml:{place}: '{text}' is no R expression: {reason}"
        for place, text, reason in [
            ("6:9", "is.finite(value", "something is missing at its end"),
            ("8:9", "value > 0; TRUE", "it holds 2 expressions, not one"),
            ("9:9", "x y", "unexpected symbol (line 1, column 3 of it)"),
        ]
    ]
