"""The engine with real R: what calls give, and what they cannot do to the others."""

import gzip
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from engines import TRAITS, Engine
from serving import wait_until

from engine.call import Argument, FunctionCall, Output
from engine.errors import (
    CallRefused,
    EvaluationTimeout,
    FunctionNotFound,
    PackageNotFound,
    RError,
    RowCountMismatch,
    WorkerDied,
)
from engine.evaluation import Evaluation
from engine.frame import Column, Frame
from engine.limits import Limits

pytestmark = pytest.mark.r


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS)
    yield engine
    engine.close()


def test_call_leaves_a_session_with_everything(engine: Engine) -> None:
    evaluation = engine.call("plots", n="4")
    assert evaluation.ok
    assert evaluation.listing == (
        *("R/.val", "R/plots", "graphics/1", "source", "console", "info"),
        "files/DESCRIPTION",
    )
    manifest = engine.sessions.open(engine.last).manifest
    assert manifest.texts["console"] == ["> plots(n = 4)", "[[ plot ]]"]


def test_error_is_an_evaluation_and_its_session_stays(engine: Engine) -> None:
    evaluation = engine.call("stop", package="base", **{"...": "'no luck'"})
    assert not evaluation.ok
    assert evaluation.error_message == "no luck"
    assert engine.sessions.open(engine.last).manifest.error is not None


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("quits", {}, "q()"),
        ("dies", {}, "segmentation fault"),
    ],
)
def test_death_of_r_costs_one_call_a_clear_error(
    engine: Engine, function: str, arguments: dict[str, str], reason: str
) -> None:
    with pytest.raises(WorkerDied) as death:
        engine.call(function, **arguments)
    assert reason in str(death.value)
    assert engine.json("identity", package="base", x="41 + 1") == [42]


def test_infinite_recursion_is_an_error_of_r(engine: Engine) -> None:
    message = engine.call("recursive").error_message
    assert message is not None
    assert "nested too deeply" in message or "stack" in message


def test_recursion_that_the_code_caught_is_no_error(engine: Engine) -> None:
    code = "{try(traits::recursive(), silent = TRUE); 5}"
    assert engine.json("eval", package="base", expr=code) == [5]


def test_time_limit_kills_the_call(engine: Engine) -> None:
    with pytest.raises(EvaluationTimeout, match=r"0\.3 seconds"):
        engine.call("sleeps", limits=Limits(wall_s=0.3), seconds="60")


def printed(engine: Engine, code: str) -> list[str]:
    engine.call("invisible", package="base", outputs=(), x=code)
    return engine.sessions.open(engine.last).manifest.texts["stdout"]


def test_warnings_beyond_their_limit_are_dropped_and_counted(engine: Engine) -> None:
    (told,) = printed(engine, "{for (i in 1:10007) warning('again')}")
    assert told.startswith("[7 messages and warnings were dropped")
    texts = engine.sessions.open(engine.last).manifest.texts
    assert len(texts["warnings"]) == 10_000


def test_bytes_that_are_no_text_are_shown_as_bytes(engine: Engine) -> None:
    assert printed(engine, r"cat('a\xff\n')") == ["a<ff>\n"]


def test_output_goes_on_when_all_connections_are_closed(engine: Engine) -> None:
    assert printed(engine, "{closeAllConnections(); cat('still')}") == ["still"]


def test_sink_left_open_is_a_whole_file_of_the_session(engine: Engine) -> None:
    assert printed(engine, "{sink('out.txt'); cat('in the file\n')}") == []
    session = engine.sessions.open(engine.last)
    assert (session.path / "out.txt").read_text() == "in the file\n"


def test_compressed_file_left_open_is_a_whole_file_of_the_session(engine: Engine) -> None:
    printed(engine, "{x <- gzfile('out.gz', 'w'); writeLines('in the file', x)}")
    session = engine.sessions.open(engine.last)
    assert gzip.decompress((session.path / "out.gz").read_bytes()) == b"in the file\n"


def test_end_of_what_a_pipe_left_open_runs_is_not_waited_for(engine: Engine) -> None:
    limits = Limits(wall_s=20)
    assert engine.call("pipe", package="base", limits=limits, description="'sleep 60'", open="'w'")


@pytest.mark.parametrize(
    "code",
    [
        "pipe('cat')",
        "{f <- file('f', 'w'); sink(f); close(f)}",
        "{unlink(tempdir(), recursive = TRUE); plot(1); setwd('/')}",
        "{unlink(getwd(), recursive = TRUE); plot(1)}",
    ],
    ids=["pipe never opened", "sink closed", "no tempdir()", "no getwd()"],
)
def test_what_code_breaks_for_itself_leaves_a_session(engine: Engine, code: str) -> None:
    evaluation = engine.call("invisible", package="base", outputs=(), x=code)
    assert "console" in evaluation.listing


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("c('m', 'n')", "m\nn"),
        ("NA_character_", "NA"),
        ("NULL", ""),
        ("list('m', 3)", "m\n3"),
        ("function() 1", ""),
        (r"`Encoding<-`('a\xff', value = 'bytes')", "a<ff>"),
    ],
)
def test_message_of_an_error_may_be_anything(engine: Engine, message: str, told: str) -> None:
    code = f"structure(class = c('e', 'error', 'condition'), list(message = {message}))"
    said = engine.call("stop", package="base", outputs=(), **{"...": code}).error_message
    assert said == told


def test_error_that_is_too_long_is_cut_and_says_so(engine: Engine) -> None:
    code = "simpleError(strrep('é', 2e7))"
    said = engine.call("stop", package="base", outputs=(), **{"...": code}).error_message
    assert said is not None
    assert len(said.encode()) < 10_000_000
    assert "engine.output" in said[-80:]


@pytest.mark.parametrize("kind", ["message", "warning"])
def test_condition_without_a_restart_is_told(engine: Engine, kind: str) -> None:
    code = f"signalCondition(structure(class = c('{kind}', 'condition'), list(message = 'm')))"
    assert engine.call("invisible", package="base", outputs=(), x=code).ok
    texts = engine.sessions.open(engine.last).manifest.texts
    assert texts["messages"] + texts["warnings"] == ["m"]


def cells(engine: Engine, codes: Sequence[str], outputs: Sequence[Output]) -> list[Evaluation]:
    """What each code gives, evaluated one after the other in one child."""
    calls = []
    for code in codes:
        call = FunctionCall("base", "eval", (Argument("expr", "code", code),))
        calls.append((call, engine.sessions.stage().path))
    outcomes = engine.pool.evaluate_many(calls, limits=Limits(), outputs=outputs)
    return [outcome for _, outcome in outcomes if isinstance(outcome, Evaluation)]


def test_connection_that_a_cell_leaves_open_is_closed_in_the_next(engine: Engine) -> None:
    codes = ["{f <- file('f', 'w'); nrow(showConnections())}", "nrow(showConnections())"]
    outcomes = cells(engine, codes, [Output("json", "json")])
    assert [orjson.loads(one.bodies["json"].content) for one in outcomes] == [[1], [0]]


def test_device_that_code_closed_is_there_for_the_next_cell(engine: Engine) -> None:
    codes = ("grDevices::graphics.off()", "plot(1:3)", "grDevices::dev.off()", "plot(1)")
    outcomes = cells(engine, codes, ())
    assert ["graphics/1" in one.listing for one in outcomes] == [False, True, False, True]


def test_background_processes_end_with_their_call(engine: Engine) -> None:
    (pid,) = engine.json("leaves_background_process")  # type: ignore[misc]
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_calls_run_beside_each_other(engine: Engine) -> None:
    with ThreadPoolExecutor(3) as threads:
        answers = threads.map(lambda name: engine.json("waits", name=f"'{name}'"), "abc")
        wait_until(lambda: engine.pool.info()["running"] == 3)
        work = engine.state / "work"
        wait_until(lambda: len(list(work.glob("*/x0*"))) == 3)
        for folder in work.glob("*/x0*"):
            (folder / "go").touch()
        assert list(answers) == [["a"], ["b"], ["c"]]


def test_children_do_not_share_random_numbers(engine: Engine) -> None:
    assert engine.json("draws") != engine.json("draws")


def test_seed_makes_random_numbers_repeat(engine: Engine) -> None:
    first = engine.call("draws", seed=7, outputs=("exact",)).bodies["exact"]
    assert first == engine.call("draws", seed=7, outputs=("exact",)).bodies["exact"]


def test_exact_json_has_every_digit_and_nulls(engine: Engine) -> None:
    body = engine.call("described", outputs=("exact",)).bodies["exact"]
    assert orjson.loads(body.content) == {
        "whole": 3,
        "text": 'a"b',
        "missing": None,
        "nothing": None,
        "tenth": 0.1,
        "day": "2026-11-23",
        "at": "2026-11-23T05:00:00Z",
        "kind": ["u", "v"],
        "grid": [[1, 3], [2, 4]],
        "table": [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        "big": {"a": 1.0, "b": None},
    }


def test_format_that_cannot_be_rendered_is_told_apart(engine: Engine) -> None:
    evaluation = engine.call("warns", outputs=("json", "png"))
    assert evaluation.bodies.keys() == {"json"}
    assert evaluation.body_errors["png"].kind == "no_graphics"


def test_large_answer_comes_whole(engine: Engine) -> None:
    body = engine.call("strrep", package="base", x='"ab"', times="200000").bodies["json"]
    assert len(body.content) == 400_005
    assert not list(engine.sessions.open(engine.last).path.glob(".bodies*"))


def test_unknown_things_are_refused_before_anything_runs(engine: Engine) -> None:
    with pytest.raises(FunctionNotFound, match="object 'nosuch' not found"):
        engine.call("nosuch")
    with pytest.raises(PackageNotFound, match="nosuchpackage"):
        engine.call("f", package="nosuchpackage")
    with pytest.raises(CallRefused, match="Unparsable argument"):
        engine.call("sleeps", seconds="1 2")
    with pytest.raises(CallRefused, match="Session not found"):
        engine.call("sleeps", seconds="x0ffffffffffff0")


def test_many_cells_share_a_child_and_survive_its_death(engine: Engine) -> None:
    cells = ["identity", "dies", "identity", "quits", "identity"]
    calls = []
    for index, function in enumerate(cells):
        package = "base" if function == "identity" else "traits"
        arguments = (Argument("x", "json", str(index)),) if function == "identity" else ()
        calls.append((FunctionCall(package, function, arguments), engine.sessions.stage().path))
    outcomes = dict(engine.pool.evaluate_many(calls, limits=Limits(), outputs=()))
    kinds = [type(outcomes[index]).__name__ for index in range(len(cells))]
    assert kinds == ["Evaluation", "WorkerDied", "Evaluation", "EndedByCall", "Evaluation"]


def rows(engine: Engine, function: str) -> Frame:
    frame = Frame(
        {
            "x": Column("double", [1.5, float("nan"), 3.0]),
            "name": Column("string", ["a", None, 'é\n"\\']),
        }
    )
    stage = engine.sessions.stage()
    call = FunctionCall("traits", function)
    return engine.pool.evaluate_rows(
        call, pass_as="newdata", frame=frame, stage=stage.path, limits=Limits()
    ).frame


def test_rows_are_answered_in_order(engine: Engine) -> None:
    assert rows(engine, "doubled").columns["value"].plain() == [3.0, None, 6.0]


def test_strings_of_rows_survive_the_journey(engine: Engine) -> None:
    stage = engine.sessions.stage()
    frame = Frame({"x": Column("string", ["a", None, 'é\n"\\', "\\N"])})
    call = FunctionCall("base", "identity")
    answer = engine.pool.evaluate_rows(
        call, pass_as="x", frame=frame, stage=stage.path, limits=Limits()
    )
    assert answer.frame.columns["x"].plain() == ["a", None, 'é\n"\\', "\\N"]


def test_missing_rows_are_an_error(engine: Engine) -> None:
    with pytest.raises(RowCountMismatch, match="given 3 rows and answered 2"):
        rows(engine, "short")


def test_error_of_a_rows_function_is_told(engine: Engine) -> None:
    with pytest.raises(RError, match="unused argument"):
        rows(engine, "warns")


def test_contract_names_formals_and_defaults(engine: Engine) -> None:
    contract = engine.pool.contract("traits", "plots")
    assert [(formal.name, formal.default) for formal in contract.formals] == [("n", "3")]
    assert engine.pool.contract("base", "sum").dots


def test_nothing_is_left_behind(engine: Engine) -> None:
    def are_expected() -> bool:
        info = engine.pool.info()
        children = 2 * len(info["templates"]) + len(info["live"])  # spares, and who stays
        return len(list((engine.state / "work").glob("[0-9]*"))) <= children

    wait_until(are_expected)
    assert not list(engine.state.glob("read-*"))


def test_changed_models_go_live_and_broken_ones_do_not(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    model = project / "models" / "m.R"
    model.write_text("version <- function() 1\n")
    engine = Engine(tmp_path, project)
    try:
        assert engine.json("version") == [1]
        model.write_text("version <- function() 2\n")
        wait_until(lambda: engine.json("version") == [2])
        model.write_text("ok <- 1\nversion <- function( {\n")
        wait_until(lambda: engine.pool.info()["problem"] is not None)
        assert "models/m.R:2" in engine.pool.info()["problem"]
        assert engine.json("version") == [2]
    finally:
        engine.close()
