"""Data frames as Feather, Arrow streams and Parquet, read back by pyarrow."""

import datetime as dt
import io
import math
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet
from test_engine import TRAITS, Engine

from engine.arrow_body import MOST_CHUNKS
from engine.call import Argument, FunctionCall, Output
from engine.errors import CallRefused
from engine.evaluation import RenderedBody
from engine.limits import Limits

pytestmark = pytest.mark.r

FORMATS = ("feather", "arrowipc", "parquet")
EVERY_KIND = """{
  d <- data.frame(
    yes = c(TRUE, NA, FALSE), whole = c(1L, NA, -3L), real = c(1.5, NA, NaN),
    text = c("a", NA, "\\u00e9\\u65e5\\n"), kind = factor(c("u", NA, "v")),
    size = factor(c("lo", "hi", "lo"), levels = c("lo", "hi"), ordered = TRUE),
    day = as.Date(c("2020-02-29", NA, "1969-12-31")),
    at = as.POSIXct(c(0.25, NA, 1700000000.123456), origin = "1970-01-01", tz = "Europe/Berlin"),
    took = as.difftime(c(1, NA, 2.5), units = "mins"), byte = as.raw(1:3), nothing = NA
  )
  bits <- as.raw(c(1, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 128,  1, 0, 0, 0, 0, 0, 32, 0))
  d$large <- structure(readBin(bits, "double", 3), class = "integer64")
  d$numbers <- list(1:2, NULL, integer(0))
  d$texts <- list("a", c("b", NA), NA)
  d$days <- list(as.Date("2020-01-01"), NA, NULL)
  d$deep <- list(list(1, 2:3), list(), NULL)
  d$inner <- data.frame(a = 1:3, b = c("x", NA, "z"))
  d$rows <- matrix(1:6, 3)
  d$scaled <- matrix(c(1, 2, 3), 3)
  d$local <- as.POSIXlt(c("2020-01-01", NA, "2020-06-01"), tz = "UTC")
  d$unnamed <- addNA(factor(c("x", NA, "x")))
  d$asis <- I(c("x", "y", "z"))
  d
}"""
UTC = dt.UTC
TYPES_AND_VALUES: dict[str, tuple[str, list[Any]]] = {
    "yes": ("bool", [True, None, False]),
    "whole": ("int32", [1, None, -3]),
    "text": ("string", ["a", None, "é日\n"]),
    "kind": ("dictionary<values=string, indices=int8, ordered=0>", ["u", None, "v"]),
    "size": ("dictionary<values=string, indices=int8, ordered=1>", ["lo", "hi", "lo"]),
    "day": ("date32[day]", [dt.date(2020, 2, 29), None, dt.date(1969, 12, 31)]),
    "at": (
        "timestamp[us, tz=Europe/Berlin]",
        [
            dt.datetime(1970, 1, 1, 0, 0, 0, 250000, UTC),
            None,
            dt.datetime(2023, 11, 14, 22, 13, 20, 123456, UTC),
        ],
    ),
    "took": ("duration[us]", [dt.timedelta(minutes=1), None, dt.timedelta(minutes=2.5)]),
    "byte": ("uint8", [1, 2, 3]),
    "nothing": ("bool", [None, None, None]),
    "large": ("int64", [1, None, 9007199254740993]),
    "numbers": ("list<item: int32>", [[1, 2], None, []]),
    "texts": ("list<item: string>", [["a"], ["b", None], [None]]),
    "days": ("list<item: date32[day]>", [[dt.date(2020, 1, 1)], [None], None]),
    "deep": ("list<item: list<item: double>>", [[[1.0], [2.0, 3.0]], [], None]),
    "inner": (
        "struct<a: int32, b: string>",
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": 3, "b": "z"}],
    ),
    "rows": ("list<item: int32>", [[1, 4], [2, 5], [3, 6]]),
    "scaled": ("double", [1.0, 2.0, 3.0]),
    "local": (
        "timestamp[us, tz=UTC]",
        [dt.datetime(2020, 1, 1, tzinfo=UTC), None, dt.datetime(2020, 6, 1, tzinfo=UTC)],
    ),
    "unnamed": ("dictionary<values=string, indices=int8, ordered=0>", ["x", None, "x"]),
    "asis": ("string", ["x", "y", "z"]),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), TRAITS)
    yield engine
    engine.close()


def session_of(engine: Engine, code: str) -> str:
    engine.call("invisible", package="base", outputs=(), x=code)
    return engine.last


def render(engine: Engine, session_key: str, name: str, **options: str) -> RenderedBody:
    fields = {"session_key": session_key, "name": ".val", "format": name, "options": options}
    return engine.pool.render("render_session_object", fields)


def table_of(name: str, content: bytes) -> pa.Table:
    if name == "parquet":
        return parquet.ParquetFile(io.BytesIO(content)).read()
    reader = ipc.open_file if name == "feather" else ipc.open_stream
    return reader(pa.py_buffer(content)).read_all()


def frame(engine: Engine, code: str, name: str, **options: str) -> pa.Table:
    table = table_of(name, render(engine, session_of(engine, code), name, **options).content)
    table.validate(full=True)
    return table


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_column_has_the_type_that_r_gives_it(engine: Engine, name: str) -> None:
    table = frame(engine, EVERY_KIND, name)
    found = {
        column: (str(table.schema.field(column).type), table[column].to_pylist())
        for column in table.column_names
        if column != "real"
    }
    # Parquet calls the items of lists by another name.
    plain = {k: (t.replace("<element:", "<item:"), values) for k, (t, values) in found.items()}
    assert plain == TYPES_AND_VALUES


@pytest.mark.parametrize("name", FORMATS)
def test_na_is_null_and_nan_is_a_number(engine: Engine, name: str) -> None:
    real = frame(engine, EVERY_KIND, name)["real"]
    assert (str(real.type), real.null_count) == ("double", 1)
    assert math.isnan(real.to_pylist()[2])


@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_those_of_exact_json(engine: Engine, name: str) -> None:
    done = engine.call("head", package="utils", outputs=("exact", name), x="airquality", n="40")
    rows = table_of(name, done.bodies[name].content).to_pylist()
    assert rows == orjson.loads(done.bodies["exact"].content)


@pytest.mark.parametrize(
    ("name", "media_type", "file"),
    [
        ("feather", "application/feather", "women.feather"),
        ("arrowipc", "application/vnd.apache.arrow.stream", "women.arrow"),
        ("parquet", "application/vnd.apache.parquet", "women.parquet"),
    ],
)
def test_data_sets_are_downloads_by_their_names(
    engine: Engine, name: str, media_type: str, file: str
) -> None:
    fields = {"package": "datasets", "name": "women", "format": name, "options": {}}
    for operation in ("render_object", "render_data"):
        body = engine.pool.render(operation, fields)
        assert body.media_type == media_type
        assert body.headers == (("Content-Disposition", f"attachment;filename={file}"),)
        assert table_of(name, body.content).column_names == ["height", "weight"]


def test_row_names_are_dropped_and_columns_keep_their_order(engine: Engine) -> None:
    table = frame(engine, "mtcars", "parquet")
    assert table.column_names[:3] == ["mpg", "cyl", "disp"]
    assert table.shape == (32, 11)


@pytest.mark.parametrize("name", FORMATS)
def test_large_frame_comes_whole(engine: Engine, name: str) -> None:
    code = "data.frame(n = 1:200000, x = 1 / 1:200000, s = paste0('\\u00e9', 1:200000))"
    table = frame(engine, code, name)
    assert table["n"].to_pylist() == list(range(1, 200_001))
    assert table["x"].to_pylist()[199_999] == 1 / 200_000
    assert table["s"].to_pylist()[99_999] == "é100000"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("code", "shape"),
    [
        ("data.frame()", (0, 0)),
        ("data.frame(a = integer(0), b = factor(character(0)))", (0, 2)),
        ("data.frame(a = 1, a = 2, check.names = FALSE)", (1, 2)),
        ("setNames(data.frame(a = 1, b = 'x'), c(NA, ''))", (1, 2)),
        ("dplyr::tibble(a = 1:2)", (2, 1)),
        ("as.data.frame(table(g = c(1, 1, 2)))", (2, 2)),
        ("data.frame(x = ts(1:3))", (3, 1)),
        ("data.frame(x = c('caf\\xe9', 'ok'))", (2, 1)),
        ("data.frame(d = structure(c(Inf, 1), class = 'Date'))", (2, 1)),
        ("data.frame(t = as.POSIXct(1, origin = '1970-01-01', tz = 'Nosuch/Zone'))", (1, 1)),
    ],
)
def test_odd_frames_are_frames_too(
    engine: Engine, name: str, code: str, shape: tuple[int, int]
) -> None:
    assert frame(engine, code, name).shape == shape


@pytest.mark.parametrize("code", ["1:3", "letters", "matrix(1:4, 2)", "list(a = 1)", "NULL", "sum"])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_data_frame_is_refused(engine: Engine, name: str, code: str) -> None:
    with pytest.raises(CallRefused, match=f"The format {name} holds data frames"):
        render(engine, session_of(engine, code), name)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("data.frame(z = 1i)", "column 'z' holds values of class complex"),
        ("{d <- data.frame(a = 1); d$f <- list(sum); d}", "column 'f' holds values of class func"),
        ("{d <- data.frame(a = 1:2); d$m <- list(1, 'a'); d}", "several kinds of values, number"),
        ("{d <- data.frame(a = 1:2); d$m <- array(1:8, c(2, 2, 2)); d}", "'m' is an array"),
        ("data.frame(d = structure(1e12, class = 'Date'))", "cannot be written as parquet"),
        ("data.frame(t = structure(1e15, class = c('POSIXct', 'POSIXt')))", "cannot be written"),
        ("structure(list(a = 1:3, b = 1:2), class = 'data.frame', row.names = 1:3)", "length 3"),
    ],
)
def test_column_that_has_no_type_is_named(engine: Engine, code: str, message: str) -> None:
    with pytest.raises(CallRefused, match=message):
        render(engine, session_of(engine, code), "parquet")


def test_format_that_a_call_cannot_have_costs_only_itself(engine: Engine) -> None:
    done = engine.call("identity", package="base", outputs=("json", "parquet"), x="1:3")
    assert done.bodies["json"].content == b"[1, 2, 3]\n"
    assert "holds data frames" in done.body_errors["parquet"].text


def test_data_that_arrow_refuses_is_an_error_of_its_format_alone(engine: Engine) -> None:
    stage = engine.sessions.stage()
    code = Argument("x", "code", "data.frame(d = structure(1e12, class = 'Date'))")
    outputs = [Output("csv", "csv"), Output("feather", "feather")]
    call = FunctionCall("base", "identity", (code,))
    done = engine.pool.evaluate(call, stage=stage.path, limits=Limits(), outputs=outputs)
    assert done.bodies.keys() == {"csv"}
    assert "cannot be written as feather" in done.body_errors["feather"].text


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("feather", {"compression": "zstd", "compression_level": "19"}),
        ("feather", {"compression": '"uncompressed"', "version": "2"}),
        ("feather", {"compression": "NA_character_", "chunk_size": "1i"}),
        ("arrowipc", {"compression": "lz4", "chunk_size": "10"}),
        ("parquet", {"compression": "gzip", "compression_level": "9", "version": "2.4"}),
        ("parquet", {"compression": "uncompressed", "version": '"latest"', "chunk_size": "7"}),
        ("parquet", {"nosuch": "1", "x": "2", "object": "3", "columns": "4", "arrow": "csv"}),
    ],
)
def test_options_change_the_file_and_not_the_data(
    engine: Engine, name: str, options: dict[str, str]
) -> None:
    table = frame(engine, "women", name, **options)
    assert table.equals(frame(engine, "women", name))


def test_compression_is_the_one_asked_for(engine: Engine) -> None:
    body = render(engine, session_of(engine, "women"), "parquet", compression="zstd")
    column = parquet.ParquetFile(io.BytesIO(body.content)).metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("feather", {"version": "1"}),
        ("feather", {"compression": "gzip"}),
        ("feather", {"compression": "true"}),
        ("feather", {"compression": "zstd", "compression_level": "1e9"}),
        ("arrowipc", {"chunk_size": "0"}),
        ("arrowipc", {"chunk_size": "abc"}),
        ("arrowipc", {"chunk_size": "1.5"}),
        ("parquet", {"compression": "lzo"}),
        ("parquet", {"version": "9"}),
    ],
)
def test_option_that_cannot_be_is_named(engine: Engine, name: str, options: dict[str, str]) -> None:
    with pytest.raises(CallRefused, match=r"The option '(version|compression|chunk_size)"):
        render(engine, session_of(engine, "women"), name, **options)


@pytest.mark.parametrize("name", ["feather", "arrowipc"])
def test_tiny_chunks_do_not_blow_the_file_up(engine: Engine, name: str) -> None:
    code = f"data.frame(n = 1:{3 * MOST_CHUNKS})"
    table = frame(engine, code, name, chunk_size="1")
    assert table["n"].num_chunks == MOST_CHUNKS
