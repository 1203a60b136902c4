"""OpenCPU's rules beyond the recorded exchanges: other functions, names, errors and orders.

What is right was computed with R, evaluate 0.20 and rlang, which OpenCPU 2.2.12 uses.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePath

import httpx
import pytest
from serving import Server

from api.media_types import media_type_of
from api.ocpu_objects import listing

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    project = tmp_path_factory.mktemp("rules")
    (project / "larder.yaml").write_text("name: rules\n")
    (project / "models").mkdir()
    (project / "models" / "double.R").write_text("double <- function(x) x * 2\n")
    with Server(project, workers=1) as server, server.client() as client:
        client.base_url = f"{server.url}/ocpu"  # type: ignore[assignment]  # httpx takes text
        yield client


def evaluated(client: httpx.Client, code: str) -> httpx.Response:
    return client.post("/library/base/R/eval", data={"expr": code})


def session_of(reply: httpx.Response) -> str:
    assert reply.status_code in (201, 400), reply.text
    return f"/tmp/{reply.headers['x-ocpu-session']}"


def text_of(client: httpx.Client, code: str, section: str) -> str:
    return client.get(f"{session_of(evaluated(client, code))}/{section}/text").text


# --- errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "call"),
    [
        ("stop('plain', call. = FALSE)", "plain", None),
        ("{f <- function(x) stop('in f: ', x); f(3)}", "in f: 3", "f(3)"),
        ("mtcars[, 'zz']", "undefined columns selected", '`[.data.frame`(mtcars, , "zz")'),
        ("list(1)[[5]]", "subscript out of bounds", "list(1)[[5]]"),
        ("sapply(1:2, function(i) stop('two'))", "two", "FUN(X[[i]], ...)"),
        ("{g <- function(x) UseMethod('g'); g(1)}",
         "no applicable method for 'g' applied to an object of class \"c('double', 'numeric')\"",
         'UseMethod("g")'),
        ("stop(structure(class = c('mine', 'error', 'condition'), list(message = 'own')))",
         "own", None),
        ("stop('line one\\nline two')", "line one\nline two",
         'eval(expr = stop("line one\\nline two"))'),
        ("stop('größer ∞')", "größer ∞", 'eval(expr = stop("größer ∞"))'),
        ("{options(warn = 2); as.integer('x')}",
         "(converted from warning) NAs introduced by coercion",
         'eval(expr = {\n    options(warn = 2)\n    as.integer("x")\n})'),
        ("signalCondition(simpleError('signalled'))", "signalled", None),
        ("dplyr::mutate(mtcars, z = nosuch)", "Problem while computing `z = nosuch`.",
         "dplyr::mutate(mtcars, z = nosuch)"),
        ("nosuchpkg::f(1)", "there is no package called 'nosuchpkg'",
         "loadNamespace(x)"),
    ],
)  # fmt: skip
def test_error_says_message_call_and_backtrace(
    client: httpx.Client, code: str, message: str, call: str | None
) -> None:
    reply = evaluated(client, code)
    head, found, trace = reply.text.partition("\nBacktrace:\n")
    assert reply.status_code == 400
    assert head.split("\n\nIn call:\n")[0].rstrip().startswith(message)
    if call is not None:
        assert head.split("In call:\n")[1].rstrip("\n") == call
    assert found
    assert "└─" in trace


def test_backtrace_is_the_tree_between_evaluator_and_error(client: httpx.Client) -> None:
    reply = client.post("/library/stats/R/t.test", data={"x": "1"})
    assert reply.text.partition("Backtrace:\n")[2].splitlines() == [
        "    ▆",
        " 1. └─base::eval(expr, envir, enclos)",
        " 2.   └─base::eval(expr, envir, enclos)",
        " 3.     ├─stats::t.test(x = 1)",
        " 4.     └─stats:::t.test.default(x = 1)",
        " 5.       └─base::stop(\"not enough 'x' observations\")",
    ]


def test_error_without_a_call_has_its_backtrace_below_the_message(client: httpx.Client) -> None:
    reply = client.post("/library/jsonlite/R/toJSON", data={"x": "quote(a + b)"})
    assert reply.text.startswith("No method asJSON S3 class: call\nBacktrace:\n    ▆\n")


def test_error_of_the_tidyverse_says_last_what_its_headline_leaves_out(
    client: httpx.Client,
) -> None:
    reply = client.post("/library/dplyr/R/filter", data={".data": "cars", "...": "nosuch > 1"})
    assert reply.text.startswith("Problem while computing `..1 = nosuch > 1`.\n\nIn call:\nfilter(")
    assert reply.text.rstrip().endswith("! object 'nosuch' not found")


def test_value_that_fails_to_print_is_kept(client: httpx.Client) -> None:
    reply = evaluated(
        client,
        "{setClass('B', representation(x = 'numeric')); "
        "setMethod('show', 'B', function(object) stop('cannot show')); new('B', x = 1)}",
    )
    assert reply.status_code == 400
    assert reply.text.startswith("cannot show\n\nIn call:\nmethods::show(x)\n")
    assert client.get(f"{session_of(reply)}/R/").text == ".val\neval\n"


def test_object_that_cannot_be_saved_does_not_fail_the_call(client: httpx.Client) -> None:
    reply = evaluated(client, "{delayedAssign('later', stop('never')); 5}")
    assert client.get(f"{session_of(reply)}/R/").text == ".val\neval\n"


def test_code_that_removes_its_folder_has_a_session_all_the_same(client: httpx.Client) -> None:
    session = session_of(evaluated(client, "{unlink(getwd(), recursive = TRUE); 5}"))
    assert client.get(f"{session}/files/").text == "DESCRIPTION\n"


# --- what a call says -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "section", "expected"),
    [
        ("{cat('no newline'); 1}", "stdout", "no newline\n[1] 1"),
        ("{cat('a'); message('m'); cat('b\\n'); NULL}", "stdout", "a\nb\n\nNULL"),
        ("{message('  padded  '); 1}", "messages", "  padded"),
        ("{message('  padded  '); 1}", "console", "Message:\npadded\n[1] 1"),
        ("{warning(' w \\n'); NULL}", "console", "Warning message:\nw\nNULL"),
        ("{f <- function() warning('in f'); f(); NULL}", "warnings", "in f"),
        ("list(1, 2)", "stdout", "List of length  2 \n[]"),
        ("structure(list(a = 1), class = 'foo')", "stdout",
         '$a\n[1] 1\n\nattr(,"class")\n[1] "foo"'),
        ("{for (i in 1:2) plot(i); cat('after\\n'); NULL}", "console",
         "[[ plot ]]\n[[ plot ]]\nafter\nNULL"),
        ("grid::rectGrob()", "stdout", "rect[GRID.rect.1]"),
        ("getOption('papersize')", "stdout", '[1] "a4"'),
    ],
)  # fmt: skip
def test_what_is_said_is_kept_as_it_was_said(
    client: httpx.Client, code: str, section: str, expected: str
) -> None:
    assert text_of(client, code, section).rstrip().endswith(expected.rstrip())


def test_screen_has_the_size_of_a_plot_as_pdf_and_a_white_ground(client: httpx.Client) -> None:
    size = evaluated(client, "c(dev.size(), par('bg') == 'white')")
    # Sheets of A4 have margins of a quarter inch.
    assert client.get(f"{session_of(size)}/R/.val/json").json() == [11.1929, 7.7677, 1]


def test_device_of_any_wish_is_the_same_screen(client: httpx.Client) -> None:
    reply = evaluated(client, "{dev.new(width = 3, height = 3); plot(1); dev.off(); invisible(1)}")
    assert reply.status_code == 201
    assert "/graphics/" not in reply.text


def test_source_is_a_list_of_pieces_and_console_a_vector(client: httpx.Client) -> None:
    session = session_of(evaluated(client, "1"))
    assert client.get(f"{session}/source/print").text == '[[1]]\n[1] "eval(expr = 1)"\n\n'
    console = client.get(f"{session}/console/print").text
    assert console.startswith('[1] "> eval(expr = 1)" "[1] 1"')


def test_information_downloads_under_the_name_of_its_class(client: httpx.Client) -> None:
    session = session_of(evaluated(client, "1"))
    header = client.get(f"{session}/info/rds").headers["content-disposition"]
    assert header == "attachment;filename=sessionInfo.rds"


# --- names, listings, paths ---------------------------------------------------------------


def test_listing_has_the_order_of_r() -> None:
    names = ["glmmPQL", "glm.nb", "b", ".val", "%in%", "a_b", "aB", "Ab", "ab", "_x", "a.b",
             "[<-", "[", "co2", "CO2", "é", "eval", "a1", "1a", "ab", "+", "Z", "z"]  # fmt: skip
    assert listing(names).body.decode().split() == [
        *("_x", ".val", "[", "[<-", "%in%", "+", "1a", "a_b", "a.b", "a1", "ab", "aB", "Ab"),
        *("b", "co2", "CO2", "é", "eval", "glm.nb", "glmmPQL", "z", "Z"),
    ]


@pytest.mark.parametrize("package", ["base", "stats", "MASS", "lattice"])
def test_objects_are_listed_as_r_sorts_them(client: httpx.Client, package: str) -> None:
    code = f"{{library({package}); sort(unique(ls('package:{package}')))}}"
    expected = client.post("/library/base/R/identity/json", data={"x": code}).json()
    assert client.get(f"/library/{package}/R/").text.splitlines() == expected


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/library/base/R/%25in%25", "/library/base/R/%25in%25/print"),
        ("/library/base/R/%5B%3C-", "/library/base/R/%5B%3C-/print"),
        ("/library/utils/R/%3F", "/library/utils/R/%3F/print"),
        ("/library/stats::sd/", "/library/stats::sd/print"),
        ("/library/datasets/data/euro.cross", "/library/datasets/data/euro.cross/print"),
    ],
)
def test_redirect_leads_to_the_same_name(client: httpx.Client, path: str, location: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 302
    assert reply.headers["location"] == f"{str(client.base_url).rstrip('/')}{location}"
    assert client.get(reply.headers["location"]).status_code == 200


@pytest.mark.parametrize("host", ["evil.example/x", "a b", "a?b", "a@b"])
def test_odd_host_is_refused(client: httpx.Client, host: str) -> None:
    reply = client.get("/library", headers={"Host": host})
    assert (reply.status_code, "location" in reply.headers) == (400, False)


def test_zero_byte_in_a_path_is_refused(client: httpx.Client) -> None:
    assert client.get("/library/MASS%00/").status_code == 400


def test_called_operator_is_kept_under_its_name(client: httpx.Client) -> None:
    reply = client.post("/library/base/R/%25in%25/json", data={"x": "1", "table": "1:3"})
    assert reply.json() == [True]
    assert client.get(f"{session_of(reply)}/R/").text == ".val\n%in%\n"


# --- data sets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data_set", ["base/letters", "survival/lung", "datasets/beaver2", "datasets/AirPassengers"]
)
def test_data_set_is_found_wherever_it_comes_from(client: httpx.Client, data_set: str) -> None:
    package, name = data_set.split("/")
    assert client.get(f"/library/{package}/data/{name}/rds").status_code == 200


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("datasets/data/nosuch", "data set 'nosuch' not found"),
        ("datasets/data/beavers", "object 'beavers' not found"),
        ("stats/data/nosuch", "data set 'nosuch' not found"),
    ],
)
def test_missing_data_set_is_refused_in_the_words_of_r(
    client: httpx.Client, path: str, message: str
) -> None:
    reply = client.get(f"/library/{path}/json")
    assert reply.status_code == 400
    assert reply.text.startswith(message)


# --- files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NEWS", "text/plain; charset=utf-8"),
        ("a.TAR.GZ", "application/gzip"),
        (".hidden", "application/octet-stream"),
        ("a.b-c", "text/plain; charset=utf-8"),
        ("x.Rd", "text/plain; charset=utf-8"),
        ("x.xml", "application/xml"),
        ("x.yml", "text/yaml; charset=utf-8"),
        ("x.woff", "application/font-woff"),
        ("x.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("x.rda", "application/octet-stream"),
        ("x.h", "text/x-chdr; charset=utf-8"),
        ("x.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_type_of_a_file_is_the_one_of_the_package_mime(name: str, expected: str) -> None:
    assert media_type_of(PurePath(name)) == expected


def test_script_of_a_package_finds_its_functions(client: httpx.Client) -> None:
    reply = client.post("/library/lattice/demo/panel.R")
    assert reply.status_code == 201, reply.text


def test_files_in_folders_are_listed_and_archived(client: httpx.Client) -> None:
    code = "{dir.create('sub'); writeLines('x', 'sub/a b.txt'); writeLines('y', 'b.txt'); 1}"
    reply = evaluated(client, code)
    session = session_of(reply)
    files = [line.partition("/files/")[2] for line in reply.text.splitlines() if "/files/" in line]
    assert files == ["b.txt", "DESCRIPTION", "sub/a b.txt"]
    assert client.get(f"{session}/files/sub/a%20b.txt").text == "x\n"
    with tarfile.open(fileobj=io.BytesIO(client.get(f"{session}/tar").content)) as archive:
        assert {"sub/a b.txt", "b.txt", "DESCRIPTION", ".RData"} <= set(archive.getnames())


def test_information_on_the_project_tells_no_path(client: httpx.Client, tmp_path: Path) -> None:
    text = client.get("/library/rules/info").text
    assert "Models of the project rules" in text
    assert str(tmp_path.parent) not in text


# --- chains ---------------------------------------------------------------------------------


def test_model_is_used_by_every_step_after_it(client: httpx.Client) -> None:
    made = client.post("/library/stats/R/lm", data={"formula": "dist ~ speed", "data": "cars"})
    model = made.headers["x-ocpu-session"]
    residuals = client.post("/library/stats/R/residuals/json?digits=2", data={"object": model})
    assert residuals.json()[:2] == [3.85, 11.85]
    predicted = client.post(
        "/library/stats/R/predict/json", data={"object": model, "newdata": '{"speed":[10]}'}
    )
    assert predicted.json() == [21.745]
    drawn = client.post("/library/graphics/R/plot", data={"x": model})
    assert drawn.text.count("/graphics/") == 4


def test_layers_of_a_plot_are_added_from_sessions(client: httpx.Client) -> None:
    base = client.post(
        "/library/ggplot2/R/ggplot", data={"data": "cars", "mapping": "ggplot2::aes(speed, dist)"}
    )
    layer = client.post("/library/ggplot2/R/geom_point")
    keys = {"e1": base.headers["x-ocpu-session"], "e2": layer.headers["x-ocpu-session"]}
    plot = client.post("/library/base/R/%2B/svg?width=4&height=3", data=keys)
    assert plot.status_code == 201
    assert plot.headers["content-type"] == "image/svg+xml"


def test_function_returned_by_a_function_is_called(client: httpx.Client) -> None:
    made = client.post("/library/stats/R/approxfun", data={"x": "1:3", "y": "c(10, 20, 30)"})
    assert client.post(f"{session_of(made)}/R/.val/json", data={"v": "2.5"}).json() == [25]


def test_state_of_a_closure_begins_anew_with_each_call(client: httpx.Client) -> None:
    made = client.post(
        "/library/base/R/local",
        data={"expr": "{n <- 0; list(inc = function() {n <<- n + 1; n})}"},
    )
    key = made.headers["x-ocpu-session"]
    for _ in range(2):
        again = client.post("/library/base/R/identity/json", data={"x": f"{key}::.val$inc()"})
        assert again.json() == [1]


# --- HTTP -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nosuch", 404),
        ("GET", "/library/nosuch/", 400),
        ("GET", "/tmp/x00123456789abc/", 404),
        ("PROPFIND", "/library/", 405),
        ("OPTIONS", "/nosuch/at/all", 200),
        ("HEAD", "/library/datasets/R/women/csv", 200),
        ("POST", "/library/base/R/nosuch", 400),
        ("GET", "/library/base/R/pi/nosuch", 404),
    ],
)
def test_every_answer_names_the_server_and_allows_other_origins(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    reply = client.request(method, path, headers={"Origin": "http://app.example.com"})
    assert reply.status_code == status
    assert reply.headers["access-control-allow-origin"] == "http://app.example.com"
    named = {name for name in reply.headers if name.startswith("x-ocpu-")}
    assert named == {f"x-ocpu-{name}" for name in ("version", "r", "locale", "time", "server")}
