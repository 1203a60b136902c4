"""Objects in the formats of OpenCPU: odd objects, odd options, and options that mean harm."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_engine import TRAITS, Engine

from engine.call import Argument, FunctionCall, Output
from engine.errors import CallRefused, RError
from engine.evaluation import RenderedBody
from engine.limits import Limits
from engine.reply import rendered

pytestmark = pytest.mark.r

FRAME = (
    "data.frame(x = 1:3, y = c('a', NA, 'c'), z = c(1.23456, NA, Inf), f = factor(c('u', 'v', NA)),"
    " d = as.Date('2020-01-01') + 0:2,"
    " t = as.POSIXct(c(0, 1.5, NA), origin = '1970-01-01', tz = 'UTC'))"
)
MIXED = "list(a = 1, b = 'x', c = NULL, d = list(e = TRUE, f = 1:3))"
NUMBERS = "c(1.5, NA, NaN, Inf, -Inf, 1e-10, 1e15, 123456.789)"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS)
    yield engine
    engine.close()


def render(engine: Engine, code: str | None, name: str, **options: str) -> RenderedBody:
    """The value of the code, or of the last call, in a format."""
    if code is not None:
        engine.call("invisible", package="base", outputs=(), x=code)
    fields = {"session_key": engine.last, "name": ".val", "format": name, "options": options}
    return engine.pool.render("render_session_object", fields)


def problem(engine: Engine, code: str | None, name: str, **options: str) -> str:
    """What was wrong with it, if anything."""
    try:
        render(engine, code, name, **options)
    except (RError, CallRefused) as error:
        return error.text
    return ""


@pytest.mark.parametrize(
    ("code", "name", "options", "body"),
    [
        ("NULL", "json", {}, "{}\n"),
        ("NULL", "text", {}, ""),
        ("NULL", "print", {}, "NULL\n"),
        ("NULL", "csv", {}, '""\r\n'),
        ("NA", "json", {}, "[null]\n"),
        ("list()", "json", {}, "[]\n"),
        (NUMBERS, "json", {"pretty": "false"},
         '[1.5,"NA","NaN","Inf","-Inf",1e-10,1e+15,123456.789]\n'),
        (NUMBERS, "json", {"pre": "false", "na": '"null"'},
         "[1.5,null,null,null,null,1e-10,1e+15,123456.789]\n"),
        ("c(1 + 2i, NA)", "json", {}, '["1+2i", "NA"]\n'),
        ("as.raw(0:20)", "json", {}, '["AAECAwQFBgcICQoLDA0ODxAREhMU"]\n'),
        ("as.Date(c('2020-01-01', NA))", "json", {}, '["2020-01-01", null]\n'),
        ("array(1:8, c(2, 2, 2))", "json", {"pretty": "false"}, "[[[1,5],[3,7]],[[2,6],[4,8]]]\n"),
        (MIXED, "json", {"pretty": "false", "auto_unbox": "true"},
         '{"a":1,"b":"x","c":{},"d":{"e":true,"f":[1,2,3]}}\n'),
        (MIXED, "text", {}, "1\nx\nTRUE\n1\n2\n3"),
        ("factor(c('a', 'b', NA))", "text", {"sep": '","', "nosuch": "1"}, "a\nb\nNA"),
        (FRAME, "json", {"pretty": "false"},
         ('[{"x":1,"y":"a","z":1.2346,"f":"u","d":"2020-01-01","t":"1970-01-01 00:00:00"},'
         '{"x":2,"f":"v","d":"2020-01-02","t":"1970-01-01 00:00:01"},'
         '{"x":3,"y":"c","d":"2020-01-03"}]\n')),
        (FRAME, "csv", {},
         ('"x","y","z","f","d","t"\r\n1,"a",1.23456,"u",2020-01-01,1970-01-01 00:00:00\r\n'
         '2,,,"v",2020-01-02,1970-01-01 00:00:01\r\n3,"c",Inf,,2020-01-03,\r\n')),
        (FRAME, "tab", {"sep": '"|"', "quote": "false", "col.names": "false"},
         ("1|a|1.23456|u|2020-01-01|1970-01-01 00:00:00\r\n"
         "2|||v|2020-01-02|1970-01-01 00:00:01\r\n3|c|Inf||2020-01-03|\r\n")),
        (FRAME, "ndjson", {"digits": "1"},
         ('{"x":1,"y":"a","z":1.2,"f":"u","d":"2020-01-01","t":"1970-01-01 00:00:00"}\n'
         '{"x":2,"f":"v","d":"2020-01-02","t":"1970-01-01 00:00:01"}\n'
         '{"x":3,"y":"c","d":"2020-01-03"}\n\n')),
        ("data.frame(a = integer(0))", "csv", {}, '"a"\r\n'),
        ("data.frame(a = integer(0))", "ndjson", {}, "\n"),
        ("table(c('a', 'b', 'a'))", "csv", {}, '"Var1","Freq"\r\n"a",2\r\n"b",1\r\n'),
        ("ts(1:2, start = 2000)", "csv", {"row.names": "1"}, '"","x"\r\n"1",1\r\n"2",2\r\n'),
        ("c(a = 1, b = 2)", "ascii", {"width.cutoff": "20"}, "c(a = 1, b = 2)\n"),
        ("expression(a, b + 1)", "print", {}, "expression(a, b + 1)\n"),
        ("quote(a + b)", "print", {"digits": "3"}, "a + b\n"),
        ("as.Date('2020-01-01')", "print", {"max": "1"}, '[1] "2020-01-01"\n'),
        ("1:5", "md", {}, "_1_, _2_, _3_, _4_ and _5_\n"),
        ("Matrix::Diagonal(2)", "print", {},
         ('2 x 2 diagonal matrix of class "ddiMatrix"\n     [,1] [,2]\n[1,]    1    .\n'
         "[2,]    .    1\n")),
    ],
)  # fmt: skip
def test_odd_objects_read_as_opencpu_writes_them(
    engine: Engine, code: str, name: str, options: dict[str, str], body: str
) -> None:
    assert render(engine, code, name, **options).content.decode() == body


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("csv", {"row.names": "maybe"}, "missing value where TRUE/FALSE needed"),
        ("csv", {"sep": ";"}, "Unparsable argument: ;"),
        ("csv", {"quote": "abc"}, "invalid 'quote' specification"),
        ("csv", {"nosuch": "1"}, r"unused argument \(nosuch = 1\)"),
        ("csv", {"na": "NA"}, "invalid 'na' argument"),
        ("csv", {"x": "5"}, '"x" matched by multiple actual arguments'),
        ("json", {"digits": "abc"}, r"is.numeric\(digits\) is not TRUE"),
        ("json", {"x": "5"}, '"x" matched by multiple actual arguments'),
        ("json", {"dataframe": "sideways"}, "'arg' should be one of"),
        ("json", {"pretty": "1e7"}, "'pretty' may be at most 100"),
        ("json", {"pret": "101"}, "'pret' may be at most 100"),
        ("ndjson", {"ind": "1e9"}, "'ind' may be at most 100"),
        ("ndjson", {"pagesize": "0"}, "invalid 'times' argument"),
        ("ndjson", {"con": "5"}, '"con" matched by multiple actual arguments'),
        ("print", {"width": "-1", "x": "5"}, '"x" matched by multiple actual arguments'),
        ("print", {"max.print": "abc"}, "invalid value for 'max.print'"),
        ("md", {"style": "nosuch"}, "'arg' should be one of"),
        ("rds", {"version": "99"}, "version 99 not supported"),
        ("rds", {"object": "2"}, '"object" matched by multiple actual arguments'),
        ("rds", {"nosuch": "1"}, "unused argument"),
        ("rda", {"envir": "1"}, '"envir" matched by multiple actual arguments'),
        ("bin", {}, "can only write vector objects"),
        ("stata", {"version": "abc"}, r"is.numeric\(version\) is not TRUE"),
        ("spss", {"compress": "abc"}, "must be one of"),
        ("sas", {"data": "2"}, '"data" matched by multiple actual arguments'),
        ("png", {"width": "abc"}, "invalid 'width' argument"),
        ("png", {"height": "-1"}, "invalid 'height' argument"),
        ("png", {"nosuch": "1"}, "invalid argument name 'nosuch'"),
        ("svg", {"nosuch": "1"}, "unused argument"),
        ("pdf", {"paper": "nosuch"}, "invalid paper type 'nosuch'"),
        ("svglite", {"bg": "nosuch"}, "invalid color name 'nosuch'"),
        ("nosuch", {}, "Invalid output format for objects: nosuch"),
    ],
)
def test_bad_option_is_an_error_of_r_without_a_path_of_the_server(
    engine: Engine, name: str, options: dict[str, str], message: str
) -> None:
    text = problem(engine, FRAME, name, **options)
    assert re.search(message, text)
    assert str(engine.state) not in text


PLACES = ("file", "fil", "filename", "path", "con", "sink", "x", "object", "data", "list", "envir")
WRITERS = (
    *("print", "text", "ascii", "md", "json", "ndjson", "csv", "tab", "rds", "rda", "pb", "bin"),
    *("spss", "sas", "stata", "png", "svg", "svglite", "pdf", "feather", "arrowipc", "parquet"),
)


PRINTS_TO_FILES = """{
  registerS3method("print", "placed", function(x, file = "", ...) cat("printed", file = file))
  structure(1, class = "placed")
}"""


@pytest.mark.parametrize("name", WRITERS)
def test_no_option_writes_a_file_of_its_choice(engine: Engine, tmp_path: Path, name: str) -> None:
    evil = tmp_path / "evil"
    engine.call("invisible", package="base", outputs=(), x=f"'{evil}'")
    for place in PLACES:
        text = problem(engine, None, name, **{place: f'"{evil}"'})
        assert str(engine.state) not in text
        assert not evil.exists(), place


@pytest.mark.parametrize("place", PLACES)
def test_print_method_that_takes_a_file_gets_none(
    engine: Engine, tmp_path: Path, place: str
) -> None:
    stage = engine.sessions.stage()
    call = FunctionCall("base", "identity", (Argument("x", "code", PRINTS_TO_FILES),))
    outputs = [Output("print", "print", {place: f'"{tmp_path / "evil"}"'})]
    done = engine.pool.evaluate(call, stage=stage.path, limits=Limits(), outputs=outputs)
    assert not (tmp_path / "evil").exists()
    assert place == "x" or done.bodies["print"].content == b"printed\n"


@pytest.mark.parametrize(
    "options",
    [
        {"width": "1e6", "height": "1e6"},
        {"width": "1e9"},
        {"width": "Inf"},
        {"width": "1e300", "height": "1e300"},
        {"width": "4", "height": "4", "units": '"in"', "res": "1e6"},
        {"width": "1e5", "height": "1e5", "units": '"mm"'},
        {"w": "1e6", "he": "1e6"},
    ],
)
def test_huge_picture_is_refused_before_anything_is_drawn(
    engine: Engine, options: dict[str, str]
) -> None:
    with pytest.raises(CallRefused, match="too large"):
        render(engine, "lattice::xyplot(1 ~ 1)", "png", **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("png", {"width": "400", "height": "300", "pointsize": "20", "bg": "transparent"}),
        ("png", {"width": "4", "height": "4", "units": '"in"', "res": "72", "type": '"cairo-png"'}),
        ("png", {"pointsize": "1e9", "res": "1e9"}),
        ("svg", {"width": "5", "height": "4", "antialias": "none"}),
        ("svglite", {"width": "5", "scaling": "1e9", "standalone": "false"}),
        ("pdf", {"width": "1e9", "paper": "special", "onefile": "false", "title": "hello"}),
    ],
)
def test_drawing_options_reach_the_device(
    engine: Engine, name: str, options: dict[str, str]
) -> None:
    begins = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml", "svglite": b"<svg"}[name]
    body = render(engine, "lattice::xyplot(1:3 ~ 1:3)", name, **options)
    assert body.content.startswith((begins, b"<?xml"))


@pytest.mark.parametrize("name", ["png", "svglite"])
def test_object_that_draws_nothing_is_no_picture(engine: Engine, name: str) -> None:
    with pytest.raises(CallRefused, match="did not generate any plot"):
        render(engine, "women", name)


def test_constants_of_any_type_are_options_and_end_no_call(engine: Engine) -> None:
    for text in ("1i", "NULL", "NA_character_", "NA_integer_", "0x7fffffff", "1e400", "'\\u65e5'"):
        for name in ("parquet", "json", "csv", "print", "png"):
            options = {"digits": text, "version": text, "width": text}
            assert isinstance(problem(engine, "women", name, **options), str)


def test_print_limit_lasts_for_its_object_alone(engine: Engine) -> None:
    assert b"omitted" in render(engine, "1:5000", "print").content
    assert b"omitted" not in render(engine, "1:5000", "print", **{"max.print": "1e4"}).content


@pytest.mark.parametrize("options", [{"compress": "true"}, {"compress": "xz"}, {"ascii": "true"}])
def test_rds_is_as_compressed_as_asked(engine: Engine, options: dict[str, str]) -> None:
    begins = {"true": b"\x1f\x8b", "xz": b"\xfd7zXZ"}.get(options.get("compress", ""), b"A\n")
    assert render(engine, "women", "rds", **options).content.startswith(begins)
    assert render(engine, "women", "rds").content.startswith(b"X\n")


def test_download_of_a_name_that_is_no_token_is_escaped() -> None:
    answer = {"body": {"blob": 0}, "type": "text/csv", "file": 'naïve "x"\r\n日.csv'}
    (header,) = rendered(answer, [b""], Path()).headers
    assert header == (
        "Content-Disposition",
        "attachment;filename*=UTF-8''na%C3%AFve%20%22x%22%0D%0A%E6%97%A5.csv",
    )
