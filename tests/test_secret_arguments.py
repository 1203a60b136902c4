"""Secrets as arguments: R gets the text, and no key, file, message or view more than its name."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from kitchen import Kitchen, gain_job, price_job

from api.explain_view import explain_view
from api.job_view import job_view
from cache.keys import Code, Secret
from jobs.argument import ArgumentSpec
from jobs.call import Call, call_of_cell
from jobs.check_sources import check_sources
from jobs.entry_facts import cells_of_facts, entry_facts
from jobs.errors import ArgumentInvalid, CallFailed, SecretMissing
from jobs.explain import explain
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.project import load_project
from jobs.status import Cause, RunStatus

pytestmark = pytest.mark.r

TOKEN = "hunter2-c0rrect-h0rse"
MODELS = """
knows <- function(weight, token) data.frame(weight = weight, length = nchar(token))
says <- function(weight, token) {
  cat("with", token, "\\n")
  message("by ", token)
  warning("of ", token)
  print(match.call())
  length(token)
}
fails <- function(weight, token) stop("401 for https://host/?token=", token)
inner <- function(weight, token) do.call(fails, list(weight, token))
gives <- function(weight, token) paste0("<", token, ">")
closes <- function(weight, token) { force(token); function() 1 }
prices <- function(newdata, token) newdata$carat * nchar(token)
refuses <- function(newdata, token) stop("not with ", token)
token <- function(weight, token) nchar(token)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    project = tmp_path_factory.mktemp("project")
    (project / "models").mkdir()
    (project / "models" / "models.R").write_text(MODELS)
    engine = Engine(tmp_path_factory.mktemp("engine"), project, name="scoring")
    yield engine
    engine.close()


@pytest.fixture
def kitchen(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kitchen]:
    monkeypatch.setenv("CLINIC_TOKEN", TOKEN)
    kitchen = Kitchen(engine.state, pool=engine.pool)
    yield kitchen
    kitchen.close()
    for path in [*engine.state.glob("catalog.db*"), *engine.state.glob("rows/*")]:
        path.unlink()


def job(function: str = "knows", **changes: Any) -> Job:
    arguments = (
        ArgumentSpec("weight", "any"),
        ArgumentSpec("token", "string", default=Secret("CLINIC_TOKEN"), required=False),
    )
    grid = Grid((Axis("weight", (50, 60)),))
    whole = gain_job(name=function, function=function, arguments=arguments, grid=grid)
    return replace(whole, **changes)


def call(job: Job, **arguments: Any) -> Call:
    return Call(job.qualified, job.complete(arguments))


def files_with_it(state: Path) -> list[Path]:
    """Everything below the state folder that holds the secret, but for what children work in."""
    parts = [part for part in state.iterdir() if part.name != "work"]
    files = [path for part in parts for path in (part, *part.rglob("*")) if path.is_file()]
    return [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_r_gets_the_text_and_nothing_else_has_it(kitchen: Kitchen, engine: Engine) -> None:
    run = kitchen.runner.run(job(), Cause.MANUAL)
    assert (run.status, run.computed) == (RunStatus.SUCCEEDED, 2)
    found = kitchen.pantry.resolve(call(job(), weight=50), job())
    assert found is not None
    assert found.entry is not None
    assert json.loads(found.entry.bodies["json"].content) == [{"weight": 50, "length": len(TOKEN)}]
    assert found.entry.arguments == {"weight": 50, "token": {"env": "CLINIC_TOKEN"}}
    assert files_with_it(engine.state) == []


def test_another_text_in_the_same_variable_is_the_same_call(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.runner.run(job(), Cause.MANUAL)
    before = job().cache_key({"weight": 50})
    monkeypatch.setenv("CLINIC_TOKEN", "another")
    assert job().cache_key({"weight": 50}) == before
    assert kitchen.runner.run(job(), Cause.MANUAL).fresh == 2
    other = ArgumentSpec("token", "string", default=Secret("OTHER_TOKEN"), required=False)
    assert job(arguments=(job().arguments[0], other)).cache_key({"weight": 50}) != before


def test_what_code_prints_and_says_is_searched_for_it(kitchen: Kitchen, engine: Engine) -> None:
    done = kitchen.pantry.materialise(call(job("says"), weight=70), job("says"))
    assert done.entry is not None
    folder = engine.sessions.open(done.entry.session_key or "")
    said = b"".join(path.read_bytes() for path in folder.path.iterdir() if path.is_file())
    assert b"with [hidden]" in said
    assert b"by [hidden]" in said
    assert b".secret_token" in said
    assert files_with_it(engine.state) == []


@pytest.mark.parametrize("function", ["fails", "inner"])
def test_errors_of_r_do_not_tell_it(kitchen: Kitchen, engine: Engine, function: str) -> None:
    with pytest.raises(CallFailed) as caught:
        kitchen.pantry.materialise(call(job(function), weight=70), job(function))
    assert str(caught.value) == "401 for https://host/?token=[hidden]"
    assert TOKEN not in (caught.value.evaluation.error or "")
    assert files_with_it(engine.state) == []


@pytest.mark.parametrize("function", ["gives", "closes"])
def test_answers_that_hold_it_are_not_kept(kitchen: Kitchen, engine: Engine, function: str) -> None:
    with pytest.raises(CallFailed, match="the answer holds a secret argument"):
        kitchen.pantry.materialise(call(job(function), weight=70), job(function))
    assert files_with_it(engine.state) == []


def test_a_function_called_as_its_secret_gets_it(kitchen: Kitchen) -> None:
    done = kitchen.pantry.materialise(call(job("token"), weight=70), job("token"))
    assert done.entry is not None
    assert json.loads(done.entry.bodies["json"].content) == [len(TOKEN)]


def test_rows_are_computed_with_it(kitchen: Kitchen, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("id,carat\n1,0.5\n2,1\n")
    rows = price_job(tmp_path / "prices.csv", function="prices", arguments=job().arguments[1:])
    assert kitchen.runner.run(rows, Cause.MANUAL).computed == 2
    answer = kitchen.pantry.row_answer(rows, 2).answer
    assert answer is not None
    assert answer.values == {"value": len(TOKEN)}
    failed = kitchen.runner.run(replace(rows, name="no", function="refuses"), Cause.MANUAL)
    assert "not with [hidden]" in (failed.error or "")
    assert files_with_it(engine.state) == []


def test_callers_cannot_give_it_nor_send_code_that_could_read_it(kitchen: Kitchen) -> None:
    with pytest.raises(ArgumentInvalid, match="token is a secret that the server has"):
        job().arguments_from_query([("weight", "50"), ("token", "mine")])
    spying = call(job(), weight=Code("get('token', sys.frame(-1))"))
    with pytest.raises(ArgumentInvalid, match="plain values alone go with the secret token"):
        kitchen.pantry.materialise(spying, job())
    direct = Call(job().qualified, {"weight": Code("sys.function()")})  # as below /ocpu
    with pytest.raises(ArgumentInvalid, match="weight is R code"):
        kitchen.pantry.materialise(direct, job())
    own = Call(job().qualified, {"weight": Code("1 + 1"), "token": "mine"})
    assert kitchen.pantry.materialise(own, job()).entry is not None


def test_a_variable_that_is_not_set_is_told(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIC_TOKEN")
    with pytest.raises(SecretMissing, match="CLINIC_TOKEN is not set"):
        kitchen.pantry.materialise(call(job(), weight=99), job())
    run = kitchen.runner.run(job(name="unset", seed=5), Cause.MANUAL)
    assert (run.status, run.error) == (
        RunStatus.FAILED,
        "the environment variable CLINIC_TOKEN is not set",
    )
    [problem] = check_sources(load_project(written(tmp_path)))
    assert str(problem) == (
        "jobs/a.yaml:6:15: warning: the environment variable CLINIC_TOKEN is not set"
        " (set it where Larder is started)"
    )


def written(folder: Path) -> Path:
    (folder / "jobs").mkdir()
    (folder / "jobs" / "a.yaml").write_text(
        "jobs:\n  knows:\n    function: scoring::knows\n    args:\n      weight: {type: number}\n"
        "      token: {default: {env: CLINIC_TOKEN}}\n    grid: {weight: [50, 60]}\n"
    )
    return folder


def test_views_have_its_name_alone(kitchen: Kitchen, tmp_path: Path) -> None:
    defined = load_project(written(tmp_path)).job("knows")
    assert defined.arguments[1].default == Secret("CLINIC_TOKEN")
    assert defined.arguments[1].type == "string"
    seen = json.dumps(job_view(kitchen.pantry, defined, None, []))
    assert '"default": {"env": "CLINIC_TOKEN"}' in seen
    kitchen.pantry.use(type(kitchen.pantry.jobs)([defined]))
    explained = explain(kitchen.pantry, kitchen.catalog, "knows", [("weight", "50")])
    assert explain_view(explained)["arguments"] == {
        "weight": 50,
        "token": {"env": "CLINIC_TOKEN"},
    }
    facts = json.loads(json.dumps(entry_facts(defined)))
    again = cells_of_facts("knows", facts)
    assert [call_of_cell(again, cell).arguments for cell in again.cells()] == [
        call_of_cell(defined, cell).arguments for cell in defined.cells()
    ]
