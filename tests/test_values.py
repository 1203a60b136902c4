"""Cells that keep no session: the same answers as with one, whatever the cells do."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from engines import TRAITS, Engine
from serving import wait_until

from cache.sessions import Stage
from engine.call import Argument, FunctionCall, Output
from engine.errors import (
    CallCancelled,
    CallRefused,
    EndedByCall,
    EngineError,
    EvaluationTimeout,
    LimitReached,
    RError,
    WorkerDied,
)
from engine.evaluation import Evaluation
from engine.limits import MIB, Limits
from engine.value_answer import VALUE
from jobs.failures import with_story

pytestmark = pytest.mark.r

FORMATS = ("exact", "json", "csv", "tab", "ndjson", "print", "text", "md", "rds", "pb")
OUTPUTS = [Output(name, name) for name in FORMATS]
PID = "Sys.getpid()"
VALUES = (
    *("1", "0.1", "3L", "-2", "1e300 * 10", "NaN", "NA", "NULL", "TRUE", "c(TRUE, NA)"),
    *("'a'", "'\\u00e4'", "c('x', NA)", "''", "character()", "1:3", "c(a = 1, b = NA)"),
    *("list()", "list(1, 'a', NULL)", "list(a = 1, b = list(c = 2:3))", "list(a = 1, 2)"),
    *("data.frame(value = 1.5)", "data.frame(a = 1:2, b = c('x', NA), c = c(1, Inf))"),
    *("data.frame()", "data.frame(a = 1:2, row.names = c('u', 'v'))", "iris[2:3, ]"),
    *("factor(c('u', 'v', NA))", "matrix(1:4, 2)", "array(1:8, c(2, 2, 2))", "raw(3)", "1i"),
    *("as.Date('2026-11-23')", "as.POSIXct('2026-11-23 05:00:00', tz = 'UTC')", "quote(x)"),
    *("structure(list(1), class = 'odd')", "setNames(1:2, c(NA, 'b'))", "quote(a + b)"),
    *("methods::getClass('numeric')", "globalenv()", "invisible(5)", "stats::rnorm(3)"),
    *("traits::described()", "tibble::tibble(a = 1:2)", "{message('m'); 2}", "as.hexmode(255)"),
    *(
        "{warning('careful'); 2}",
        "{options(digits = 3); pi}",
        "{plot(1); 3}",
        "as.function(alist(x = , x + 1), globalenv())",
    ),
)
FAILING = (
    *("stop('no')", "traits::warns(1)", "sqrt('a')", "signalCondition(simpleError('told'))"),
    *("{cat('out\\n'); message('m'); warning('w'); cat('more'); stop('x')}", "quote("),
    *("stop(structure(class = c('odd', 'error', 'condition'), list(message = 'm', call = NULL)))",),
    *("invokeRestart('abort')", "{options(warn = 2); as.integer('a')}"),
    *("(function(a) base::stop('deep'))(1)", "rlang::abort('headline', body = 'more')"),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS)
    yield engine
    engine.close()


def call_of(seed: int | None = None, checks: Sequence[str] = ()) -> FunctionCall:
    return FunctionCall("base", "identity", seed=seed, checks=tuple(checks))


def without_sessions(
    engine: Engine,
    codes: Sequence[str],
    *,
    call: FunctionCall | None = None,
    limits: Limits | None = None,
    outputs: Sequence[Output] = (),
) -> list[Evaluation | EngineError]:
    stage = engine.sessions.stage()
    found = engine.pool.evaluate_values(
        call or call_of(),
        [(Argument("x", "code", code),) for code in codes],
        stage=stage.path,
        limits=limits or Limits(),
        outputs=outputs,
    )
    outcomes = [one for part in found for one in part]
    assert [index for index, _ in outcomes] == list(range(len(codes)))
    assert list(stage.path.iterdir()) == []
    return [outcome for _, outcome in outcomes]


def with_sessions(
    engine: Engine, codes: Sequence[str], call: FunctionCall
) -> list[Evaluation | EngineError]:
    stages = [engine.sessions.stage() for _ in codes]
    calls = [
        (
            FunctionCall(
                call.package,
                call.function,
                (Argument("x", "code", code),),
                seed=call.seed,
                checks=call.checks,
            ),
            stage.path,
        )
        for code, stage in zip(codes, stages, strict=True)
    ]
    found = engine.pool.evaluate_many(calls, limits=Limits(), outputs=OUTPUTS)
    return [told(outcome, stages[index]) for index, outcome in found]


def told(outcome: Evaluation | EngineError, stage: Stage) -> Evaluation | EngineError:
    """What a run makes of it."""
    if isinstance(outcome, EngineError) or outcome.ok:
        return outcome
    return with_story(RError(outcome.error or "", outcome.error_message or ""), stage)


def values(engine: Engine, *codes: str) -> list[object]:
    outcomes = without_sessions(engine, codes)
    return [orjson.loads(exact(outcome)) for outcome in outcomes]


def exact(outcome: Evaluation | EngineError) -> bytes:
    assert isinstance(outcome, Evaluation), outcome
    return outcome.bodies["exact"].content


def test_answers_are_those_of_cells_with_sessions_byte_by_byte(engine: Engine) -> None:
    call = call_of(seed=7)
    alike = zip(
        VALUES,
        with_sessions(engine, VALUES, call),
        without_sessions(engine, VALUES, call=call, outputs=OUTPUTS),
        strict=True,
    )
    for code, kept, lean in alike:
        assert isinstance(kept, Evaluation), code
        assert isinstance(lean, Evaluation), code
        bodies = {label: body for label, body in lean.bodies.items() if label != VALUE}
        assert bodies == kept.bodies, code
        assert reasons(lean) == reasons(kept), code


def reasons(outcome: Evaluation) -> dict[str, tuple[str, str]]:
    """Why formats could not be rendered; how deep the stack was when R gave up does not count."""
    return {
        label: (re.sub(r"usage +\d+", "usage", error.text), error.kind)
        for label, error in outcome.body_errors.items()
    }


def test_formats_made_of_the_value_later_are_those_of_the_session(engine: Engine) -> None:
    codes = [code for code in VALUES if "globalenv" not in code]
    call = call_of(seed=7)
    for code, lean in zip(codes, without_sessions(engine, codes, call=call), strict=True):
        assert isinstance(lean, Evaluation), code
        stage = engine.sessions.stage()
        kept = engine.pool.evaluate(
            FunctionCall("base", "identity", (Argument("x", "code", code),), seed=7),
            stage=stage.path,
            limits=Limits(),
        )
        assert kept.ok
        engine.sessions.publish(stage)
        for name in ("json", "csv", "rds"):
            fields = {"format": name, "options": {}, "name": "answer"}
            session = {**fields, "session_key": stage.session_key, "name": ".val", "as": "answer"}
            assert rendered(engine, "render_value", fields, lean) == rendered(
                engine, "render_session_object", session
            ), (code, name)


def rendered(
    engine: Engine, operation: str, fields: dict[str, object], lean: Evaluation | None = None
) -> object:
    value = None if lean is None else lean.bodies[VALUE].content
    try:
        return engine.pool.render(operation, fields, value=value)
    except EngineError as error:
        return str(error)


def test_what_is_told_of_a_failed_cell_is_what_its_session_would_tell(engine: Engine) -> None:
    kept = with_sessions(engine, FAILING, call_of())
    lean = without_sessions(engine, FAILING)
    for code, one, other in zip(FAILING, kept, lean, strict=True):
        assert isinstance(other, EngineError), code
        assert type(one) is type(other), code
        assert vars(one) == vars(other), code
        assert str(one) == str(other), code


def test_checks_are_made_of_each_value(engine: Engine) -> None:
    call = call_of(checks=["value > 1", "is.numeric(x)"])
    good, bad = without_sessions(engine, ["2", "1"], call=call)
    assert exact(good) == b"2.0\n"
    assert str(bad) == "the check value > 1 failed: it gave FALSE"
    kept = with_sessions(engine, ["1"], call)[0]
    assert isinstance(bad, RError)
    assert isinstance(kept, RError)
    assert bad.text == kept.text
    assert bad.printed == kept.printed.replace("[1] 1\n", "")  # no value is shown


@pytest.mark.parametrize(
    ("before", "seen"),
    [
        ("assign('left', 7, globalenv())", "exists('left')"),
        ("options(digits = 3, left = 7)", "!is.null(getOption('left'))"),
        ("Sys.setenv(LEFT = 'here', LANG = 'xx')", "nzchar(Sys.getenv('LEFT'))"),
        ("Sys.unsetenv('LANG')", "!nzchar(Sys.getenv('LANG'))"),
        ("library(splines)", "'package:splines' %in% search()"),
        ("setwd(tempdir())", "getwd() == tempdir()"),
        ("cat('x', file = 'left')", "file.exists('left')"),
        ("dir.create(file.path(tempdir(), 'a'))", "length(dir(tempdir())) > 0"),
        ("set.seed(1, 'Wichmann-Hill')", "RNGkind()[1] == 'Wichmann-Hill'"),
        ("set.seed(1)", "exists('.Random.seed', globalenv())"),
        ("sink('left')", "sink.number() > 0"),
        ("assign('f', file('left', 'w'))", "nrow(showConnections()) > 0"),
        ("graphics::par(mfrow = c(2, 2))", "identical(graphics::par('mfrow'), c(2L, 2L))"),
        ("grDevices::png('a.png')", "names(grDevices::dev.cur()) == 'png'"),
        ("Sys.umask('000')", "Sys.umask(NA) == 0"),
        ("Sys.setlocale('LC_COLLATE', 'C')", "Sys.getlocale('LC_COLLATE') == 'C'"),
        ("setHook('plot.new', base::identity)", "length(getHook('plot.new')) > 0"),
    ],
)
def test_next_cell_finds_r_as_the_first_did(engine: Engine, before: str, seen: str) -> None:
    done, after = values(engine, f"{{{before}; {seen}}}", seen)
    assert done is True
    assert after is False


def test_quiet_cells_share_a_process_and_others_get_another(engine: Engine) -> None:
    quiet = values(engine, *[PID] * 600)
    assert len(set(map(str, quiet))) == 1
    first, _, second, third = values(engine, PID, "Sys.setlocale('LC_COLLATE', 'C')", PID, PID)
    assert first != second == third


def test_a_seed_is_each_cells_own(engine: Engine) -> None:
    code = "stats::runif(1)"
    one, two = (exact(x) for x in without_sessions(engine, [code, code], call=call_of(seed=1)))
    assert one == two
    one, two = (exact(x) for x in without_sessions(engine, [code, code]))
    assert one != two


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("traits::dies()", WorkerDied),
        ("traits::quits()", EndedByCall),
        ("Sys.sleep(60)", EvaluationTimeout),
    ],
)
def test_a_cell_that_ends_its_process_is_found_and_costs_no_other(
    engine: Engine, code: str, kind: type[EngineError]
) -> None:
    codes = [*map(str, range(300)), code, *map(str, range(301, 400))]
    outcomes = without_sessions(engine, codes, limits=Limits(wall_s=1))
    assert isinstance(outcomes[300], kind)
    others = [exact(one) for place, one in enumerate(outcomes) if place != 300]
    assert others == [b"%d.0\n" % place for place in range(400) if place != 300]


def test_limits_hold_for_each_cell(engine: Engine) -> None:
    limits = Limits(memory_bytes=200 * MIB, output_bytes=10_000, cpu_s=1)
    small, large, chatty, busy, last = without_sessions(
        engine,
        ["1", "numeric(1e9)", "traits::chatty(5000)", "repeat {}", "2"],
        limits=limits,
    )
    assert (exact(small), exact(last)) == (b"1.0\n", b"2.0\n")
    reached = [one.limit for one in (large, chatty, busy) if isinstance(one, LimitReached)]
    assert reached == ["memory", "output", "cpu_time"]


def test_processor_time_of_all_cells_together_is_no_ones(engine: Engine) -> None:
    burn = "{t <- proc.time()[[1]]; while (proc.time()[[1]] - t < 0.3) {}; 1}"
    outcomes = without_sessions(engine, [burn] * 6, limits=Limits(cpu_s=1))
    assert [exact(one) for one in outcomes] == [b"1.0\n"] * 6


def test_answer_too_large_to_be_kept_so_is_an_error(engine: Engine) -> None:
    small, large, last = without_sessions(engine, ["1", "raw(7e7)", "numeric(1e5)"])
    assert exact(small) == b"1.0\n"
    assert str(large) == "the answer is too large for a cell that keeps no session"
    assert isinstance(last, Evaluation)
    assert len(last.bodies[VALUE].content) > 200_000


def test_cells_are_cancelled_together(engine: Engine) -> None:
    stage = engine.sessions.stage()
    asked = engine.pool.evaluate_values(
        FunctionCall("base", "Sys.sleep"),
        [(Argument("time", "json", "60.0"),)] * 3,
        stage=stage.path,
        limits=Limits(),
    )
    with ThreadPoolExecutor(1) as threads:
        answers = threads.submit(list, asked)
        wait_until(lambda: [one for one in engine.pool.under_way() if one["pid"] is not None])
        assert engine.pool.cancel(stage.session_key)
        with pytest.raises(CallCancelled):
            answers.result(20)
    assert engine.pool.under_way() == []


def test_a_secret_is_nowhere_in_what_is_told(engine: Engine) -> None:
    stage = engine.sessions.stage()
    found = engine.pool.evaluate_values(
        FunctionCall("base", "paste0"),
        [
            (Argument("x", "json", '"length "'), Argument("collapse", "secret", "hush-hush")),
            (Argument("x", "secret", "hush-hush"),),
            (Argument("x", "text", "plain"),),
        ],
        stage=stage.path,
        limits=Limits(),
    )
    first, shouting, plain = [outcome for part in found for _, outcome in part]
    assert exact(first) == b'"length "\n'
    assert isinstance(shouting, RError)
    assert "hush-hush" not in shouting.text + shouting.printed
    assert exact(plain) == b'"plain"\n'


def test_arguments_are_read_as_those_of_other_cells(engine: Engine) -> None:
    given = [("json", "3.0"), ("json", "[1.0,2.0]"), ("json", '{"a":[1.0]}'), ("json", "true")]
    given += [("text", "a\nb"), ("text", ""), ("code", "1:2"), ("json", "1e-3"), ("json", "null")]
    given += [("json", "0.1234567890123456789"), ("code", "NA"), ("text", "[1]"), ("json", "[]")]
    cells = [(Argument("expr", kind, value),) for kind, value in given]
    stage = engine.sessions.stage()
    lean = [
        exact(outcome)
        for part in engine.pool.evaluate_values(
            FunctionCall("base", "deparse"), cells, stage=stage.path, limits=Limits()
        )
        for _, outcome in part
    ]
    kept = [
        engine.pool.evaluate(
            FunctionCall("base", "deparse", cell),
            stage=engine.sessions.stage().path,
            limits=Limits(),
            outputs=[Output("exact", "exact")],
        )
        .bodies["exact"]
        .content
        for cell in cells
    ]
    assert lean == kept


def test_a_function_that_is_not_there_fails_each_cell(engine: Engine) -> None:
    call = FunctionCall("base", "no_such")
    kept = with_sessions(engine, ["1", "2"], call)
    assert [str(one) for one in without_sessions(engine, ["1", "2"], call=call)] == [
        str(one) for one in kept
    ]
    assert str(kept[0]).startswith("object 'no_such' not found")
    with pytest.raises(CallRefused):
        raise without_sessions(engine, ["quote("])[0]
