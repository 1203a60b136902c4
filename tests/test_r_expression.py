"""Rows and values that an R expression gives, in the project's own namespace."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import TRAITS, Engine
from kitchen import Kitchen

from engine.errors import EngineError, EngineUnavailable
from engine.limits import Limits
from engine.pool import Pool
from jobs.check_sources import check_sources
from jobs.errors import RowsUnreadable, RunInterrupted
from jobs.job import Job
from jobs.plain_table import ColumnKinds
from jobs.project import Project, load_project
from jobs.r_expression import RExpression, RTables
from jobs.status import Cause, RunStatus

pytestmark = pytest.mark.r


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "traits"
    shutil.copytree(TRAITS, folder, ignore=shutil.ignore_patterns(".larder"))
    for name in ("jobs", "data"):
        (folder / name).mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), folder)
    yield engine
    engine.close()


@pytest.fixture
def kitchen(engine: Engine) -> Iterator[Kitchen]:
    kitchen = Kitchen(engine.state, pool=engine.pool)  # type: ignore[arg-type]
    yield kitchen
    kitchen.close()


def rows_job(folder: Path, name: str, expression: str, key: str = "id") -> Job:
    (folder / "jobs" / "traits.yaml").write_text(f"""
jobs:
  {name}:
    function: traits::doubled
    rows:
      from:
        r: |
          {expression}
      key: {key}
      pass_as: newdata
""")
    return load_project(folder, name="traits").job(name)


def grid_job(folder: Path, name: str, expression: str, kind: str = "number") -> Job:
    (folder / "jobs" / "traits.yaml").write_text(f"""
jobs:
  {name}:
    function: traits::sleeps
    args:
      seconds: {{type: {kind}}}
    grid:
      seconds:
        r: |
          {expression}
""")
    return load_project(folder, name="traits").job(name)


def asked(job: Job) -> list[object]:
    return [cell.arguments["seconds"] for cell in job.cells()]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("c(3, 1, 3, NA)", [3.0, 1.0, None]),
        ("factor(c('b', 'a'))", ["b", "a"]),
        ("seq(as.Date('2026-01-31'), by = 'month', length.out = 2)", ["2026-01-31", "2026-03-03"]),
        ("list(1, 2)  # a comment", [1.0, 2.0]),
        ('"a \\"quoted\\" ä"', ['a "quoted" ä']),
        ("x <- 2; doubled(data.frame(x = x))$value", [4.0]),
    ],
)
def test_a_vector_has_its_values(kitchen: Kitchen, expression: str, values: list[object]) -> None:
    parts = RExpression(expression, "traits", is_vector=True).parts(kitchen.pantry.r_tables)
    table = ColumnKinds("it").plain(next(parts))
    assert list(dict.fromkeys(table.column("value").to_pylist())) == values


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("stop('no way')", "the R expression: failed: no way"),
        ("1 +", "the R expression: is no R: unexpected end of input"),
        ("nowhere::x", "the R expression: failed: there is no package called 'nowhere'"),
        ("NULL", "the R expression: has no values of seconds"),
        ("'a'", "the R expression: holds a wrong value: seconds must be a number"),
    ],
)
def test_a_value_that_cannot_be_used_says_why(
    folder: Path, kitchen: Kitchen, expression: str, reason: str
) -> None:
    job = grid_job(folder, "wrong", expression)
    with pytest.raises(RowsUnreadable) as caught:
        kitchen.pantry.grid_values.read(job)
    assert str(caught.value).startswith(reason)


def test_each_run_asks_r_for_the_values_again(folder: Path, kitchen: Kitchen) -> None:
    file = folder / "data" / "seconds.txt"
    job = grid_job(folder, "seconds", f"scan('{file}', quiet = TRUE)")
    assert asked(job) == []
    file.write_text("0 0.001")
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 2
    file.write_text("0.001 0.002")
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert (run.cells_total, run.computed, run.fresh) == (2, 1, 1)
    file.unlink()
    run = kitchen.runner.run(job, Cause.MANUAL)
    assert run.status is RunStatus.FAILED
    assert "the R expression: failed: cannot open" in (run.error or "")


def test_rows_are_those_of_the_data_frame(folder: Path, kitchen: Kitchen) -> None:
    frame = "data.frame(id = 1:4, x = c(1, 2, NA, 4), when = as.Date('2026-01-31'))"
    job = rows_job(folder, "rows", frame)
    assert kitchen.runner.run(job, Cause.MANUAL).computed == 4
    row = kitchen.pantry.row_answer(job, "2")
    assert row.answer is not None
    assert row.answer.values == {"value": 4.0}
    changed = rows_job(folder, "rows", frame.replace("2, NA", "5, NA"))
    run = kitchen.runner.run(changed, Cause.MANUAL)
    assert (run.computed, run.fresh) == (1, 3)


def test_a_row_asked_for_is_computed_from_the_expression(folder: Path, kitchen: Kitchen) -> None:
    job = rows_job(folder, "asked", "data.frame(id = c('a', 'b'), x = c(1, 2))")
    row = kitchen.pantry.begin_row(job, "b").result(20)
    assert row.answer is not None
    assert row.answer.values == {"value": 4.0}


def test_no_folder_is_left_of_an_expression(folder: Path, kitchen: Kitchen) -> None:
    list(RExpression("1", "traits", is_vector=True).parts(kitchen.pantry.r_tables))
    assert not list((kitchen.pantry.sessions.root / ".staging").iterdir())


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("data.frame(id = 1)", ""),
        ("data.frame(idd = 1)", "9:7: the R expression has no column 'id' (did you mean 'idd'?)"),
        ("doubled(", "7:9: the R expression is no R: unexpected end"),
    ],
)
def test_a_check_asks_r(folder: Path, kitchen: Kitchen, expression: str, problem: str) -> None:
    job = rows_job(folder, "checked", expression)
    project = Project("traits", folder, {"checked": job})
    found = [
        str(one).removeprefix("jobs/traits.yaml:")[: len(problem)]
        for one in check_sources(project, kitchen.pantry.r_tables)
    ]
    assert found == ([problem] if problem else [])
    assert not check_sources(project)


def test_an_engine_that_is_away_interrupts_the_run(folder: Path, tmp_path: Path) -> None:

    kitchen = Kitchen(tmp_path, pool=Pool(tmp_path / "engine.sock"))  # type: ignore[arg-type]
    job = grid_job(folder, "away", "1:3")
    with pytest.raises(EngineUnavailable):
        kitchen.pantry.grid_values.read(job)
    with pytest.raises(RunInterrupted):
        kitchen.runner.run(job, Cause.MANUAL)
    kitchen.close()


def test_an_expression_has_the_limits_of_a_call(engine: Engine) -> None:

    r = RTables(engine.pool, engine.sessions, Limits(wall_s=0.5))
    with pytest.raises(EngineError, match=r"0\.5"):
        list(RExpression("Sys.sleep(30)", "traits", is_vector=True).parts(r))
