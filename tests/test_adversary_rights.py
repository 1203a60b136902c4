"""Attempts to do more than a key is for: each is refused as it should be, and R is not asked."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ward import Ward, starting_no_r, ward

from jobs.role import Role

pytestmark = pytest.mark.server

SPARE = "/ocpu/library/ward/R/spare"
SECRET_CODE = 'system("id")'
RDS = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
"""How a compressed RDS begins: it is refused unread."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with ward(tmp_path_factory.mktemp("adversary")) as made:
        yield made


@pytest.fixture(scope="module")
def data(place: Ward) -> Iterator[httpx.Client]:
    """A caller who may call two functions with data."""
    key = place.key("data", Role.CALLER, functions=["ward::spare", "stats::sd"], jobs=["dose"])
    with place.client(key) as client:
        yield client


@pytest.fixture(scope="module")
def victim(place: Ward) -> Iterator[httpx.Client]:
    with place.client(place.key("victim", Role.ANALYST)) as client:
        yield client


@pytest.fixture(scope="module")
def session(victim: httpx.Client) -> str:
    got = victim.post("/ocpu/library/base/R/identity", data={"x": "function(x) 'stolen'"})
    assert got.status_code == 201
    return got.headers["X-ocpu-session"]


FORBIDDEN_URLS = [
    ("POST", "/ocpu/library/base/R/system"),
    ("POST", "/ocpu/library/base/R/system/json"),
    ("POST", "/ocpu/library/base/R/system/"),
    ("POST", "/ocpu/library//base//R//system"),
    ("POST", "/ocpu/lib/base/R/system"),
    ("POST", "/ocpu/library/base::system"),
    ("POST", "/ocpu/library/base::system/json"),
    ("POST", "/ocpu/library/base:::system"),
    ("POST", "/ocpu/library/stats:::sd.default"),
    ("POST", "/ocpu/library/base/%52/system"),
    ("POST", "/ocpu/library/%62ase/R/s%79stem"),
    ("POST", "/ocpu/%6cibrary/base/R/system"),
    ("POST", "/ocpu/library%2Fbase%2FR%2Fsystem"),
    ("POST", "/ocpu/library/base%3A%3Asystem"),
    ("POST", "/ocpu/library/stats/R/SD"),
    ("POST", "/ocpu/library/Stats/R/sd"),
    ("POST", "/ocpu/library/stats/R/sd%20"),
    ("POST", "/ocpu/library/stats/R/sd;x"),
    ("POST", "/ocpu/library/stats/R/stats::var"),
    ("POST", "/ocpu/library/stats/R/rnorm"),
    ("POST", "/ocpu/library/base/R/do.call"),
    ("POST", "/ocpu/library/base/R/get"),
    ("POST", "/ocpu/library/base/R/match.fun"),
    ("POST", "/ocpu/library/base/R/Reduce"),
    ("POST", "/ocpu/library/base/R/Map"),
    ("POST", "/ocpu/library/base/R/eval"),
    ("POST", "/ocpu/library/utils/R/getFromNamespace"),
    ("POST", "/ocpu/library/ward/R/hush"),
    ("POST", "/ocpu/library/ward/R/dose"),
    ("POST", "/ocpu/library/ward/scripts/run.R"),
    ("POST", "/ocpu/library/knitr/examples/knitr-minimal.Rmd"),
    ("GET", "/ocpu/library/base/R/system/print"),
    ("GET", "/ocpu/library/ward/R/hush/print"),
    ("HEAD", "/ocpu/library/ward/R/hush/print"),
    ("GET", "/ocpu/library/tools/R/"),
    ("GET", "/ocpu/library/MASS/data/Boston/json"),
    ("GET", "/ocpu/library/MASS/man/lda/html"),
    ("POST", "/ocpu/gist/somebody/0123456789/run.R"),
    ("PUT", "/ocpu/library/base/R/system"),
]


@pytest.mark.parametrize(("method", "url"), FORBIDDEN_URLS)
def test_function_that_is_not_on_the_list_is_not_called_however_it_is_spelled(
    place: Ward, data: httpx.Client, method: str, url: str
) -> None:
    with starting_no_r(place):
        got = data.request(method, url, json={"x": [1, 2]})
        assert got.status_code == (405 if method == "PUT" else 403), got.text


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/user/daemon/library/stats/R/sd",
            "/apps/evil/stats/R/sd",
            "/github/evil/stats::sd/json",
        ),
        *("/cran/stats/R/sd", "/bioc/stats/R/sd", "/apps/evil/stats/scripts/run.R"),
    ],
)
def test_package_of_the_same_name_elsewhere_is_another(
    place: Ward, data: httpx.Client, path: str
) -> None:
    with starting_no_r(place):
        assert data.post(f"/ocpu{path}", json={"x": [1, 2]}).status_code in (403, 404)


CODE = [
    SECRET_CODE,
    "stats::sd(1:3)",
    "base::system",
    "ward:::hush",
    "tools::R",
    "(function() system('id'))()",
    "{system('id')}",
    "[system('id')]x",
    "`system`('id')",
    "x <- 1",
    "~ system('id')",
    "1 + system('id')",
    "!TRUE",
    "quote(x)",
    'r"(a)" + 1',
    "\\(x) x",
    "a$b",
    "a[1]",
    "1;system('id')",
    "x\n=\nsystem('id')",
    "'a' -> b",
    "do.call('system', list('id'))",
    "get('system')('id')",
    "match.fun('system')",
    "@x",
    "?help",
]


@pytest.mark.parametrize("text", CODE)
@pytest.mark.parametrize("field", ["x", "..."])
def test_code_is_no_argument_of_who_sends_data(
    place: Ward, data: httpx.Client, field: str, text: str
) -> None:
    with starting_no_r(place):
        plain = data.post(SPARE, data={field: text})
        assert plain.status_code == 403, plain.text
        part = {field: (None, text)}
        assert data.post(SPARE, files=part).status_code == 403
        later = data.post(SPARE, data={field: text}, headers={"Prefer": "respond-async"})
        assert later.status_code == 403


BODIES: list[dict[str, Any]] = [
    {"files": {"x": ("run.R", b"system('id')")}},
    {"files": {"x": ("data.csv", b"a,b\n1,2\n")}},
    {"files": {"x": (".Rprofile", b"system('id')")}},
    {"files": {"x": (None, RDS, "application/rds")}},
    {"files": {"x": (None, RDS, "application/x-rds")}},
    {"files": {"x": (None, b"\x08\x00", "application/x-protobuf")}},
    {"files": {"x": (None, RDS, "application/octet-stream")}},
    {"content": RDS, "headers": {"Content-Type": "application/rds"}},
    {"content": RDS, "headers": {"Content-Type": "Application/RDS; charset=x"}},
    {"content": b"\x08\x00", "headers": {"Content-Type": "application/x-protobuf"}},
    {"content": b"\x08\x00", "headers": {"Content-Type": "application/rprotobuf"}},
    {"files": {"x": (None, b"system('id')" + b" " * 2_000_000)}},
]


@pytest.mark.parametrize("body", BODIES)
def test_files_and_objects_of_r_are_no_arguments_of_who_sends_data(
    place: Ward, data: httpx.Client, body: dict[str, Any]
) -> None:
    with starting_no_r(place):
        got = data.post(SPARE, **body)
        assert got.status_code == 403, got.text


@pytest.mark.parametrize(
    "form",
    [
        {"x": "[1]", "f": "system"},
        {"x": "[1]", "f": "spare"},
        {"...": "x = 1, f = system"},
        {"x": ".GlobalEnv"},
        {"x": ".Options"},
        {"x": "datasets::nothing"},
        {"x": "base::system"},
        {"x": "if"},
    ],
)
def test_name_stands_for_data_and_never_for_a_function(
    data: httpx.Client, form: dict[str, str]
) -> None:
    got = data.post(f"{SPARE}/json", data=form)
    assert got.status_code in (400, 403), got.text
    assert "uid=" not in got.text


@pytest.mark.parametrize(
    "value",
    [
        {"type": "call", "value": ["system", "id"]},
        {"type": "language", "attributes": {}, "value": 'system("id")'},
        "system('id')",
        {".rds": "H4sIAAAAAAAAA4vmYmBgYGZgZWQCAJ", "class": "call"},
        ["x0123456789abcdef", "function(x) x"],
    ],
)
def test_json_stays_data_whatever_it_says(data: httpx.Client, value: Any) -> None:
    got = data.post("/ocpu/library/ward/R/spare/json?auto_unbox=true", json={"x": value})
    assert got.json() == value


SESSION_URLS = [
    ("GET", ""),
    ("GET", "/"),
    ("GET", "/R/"),
    ("GET", "/R/.val/print"),
    ("GET", "::.val/json"),
    ("GET", "/console/text"),
    ("GET", "/stdout"),
    ("GET", "/source/json"),
    ("GET", "/graphics/last/png"),
    ("GET", "/info/print"),
    ("GET", "/files/DESCRIPTION"),
    ("GET", "/files/.RData"),
    ("GET", "/files/.larder.json"),
    ("GET", "/zip"),
    ("GET", "/tar"),
    ("HEAD", "/zip"),
    ("DELETE", ""),
    ("DELETE", "/"),
    ("POST", "/R/.val"),
    ("POST", "::.val/json"),
    ("POST", "/files/run.R"),
    ("GET", "//R//.val/json"),
    ("GET", "/%52/.val/json"),
]


@pytest.mark.parametrize(("method", "path"), SESSION_URLS)
def test_session_of_another_is_as_if_it_were_not_there(
    place: Ward, session: str, method: str, path: str
) -> None:
    unknown = "x0" + "f" * (len(session) - 2)
    thief = place.client(place.key("thief", Role.ANALYST))
    with thief, starting_no_r(place):
        other = thief.request(method, f"/ocpu/tmp/{session}{path}")
        none = thief.request(method, f"/ocpu/tmp/{unknown}{path}")
        assert other.status_code == none.status_code == 404
        assert other.text.replace(session, "") == none.text.replace(unknown, "")


@pytest.mark.parametrize(
    "form",
    [
        {"x": "KEY"},
        {"x": "KEY::.val"},
        {"x": "KEY:::.val"},
        {"x": "identity(KEY::.val)"},
        {"...": "KEY"},
        {"...": "x = KEY::.val"},
    ],
)
@pytest.mark.parametrize("role", [Role.CALLER, Role.ANALYST])
def test_session_of_another_is_no_argument(
    place: Ward, session: str, role: Role, form: dict[str, str]
) -> None:
    unknown = "x0" + "f" * (len(session) - 2)
    key = place.key("thief", role, functions=["ward::spare"])
    with place.client(key) as thief:
        answers = []
        for one in (session, unknown):
            given = {name: text.replace("KEY", one) for name, text in form.items()}
            got = thief.post(f"{SPARE}/json", data=given)
            assert got.status_code in (400, 403, 404), got.text
            answers.append((got.status_code, got.text.replace(one, "")))
    assert answers[0] == answers[1]


def test_files_of_another_session_cannot_be_read_by_naming_it(place: Ward, session: str) -> None:
    root = place.worker.services.sessions.root
    code = f'readLines("{root}/{session}/DESCRIPTION")'
    with place.client(place.key("thief", Role.ANALYST)) as thief:
        got = thief.post("/ocpu/library/base/R/identity/json", data={"x": code})
        assert got.status_code == 400
        assert "cannot open" in got.text


def test_session_of_another_is_not_in_an_answer_that_was_prepared(
    place: Ward, victim: httpx.Client, session: str
) -> None:
    form = {"x": session}
    assert victim.post("/ocpu/library/ward/R/hush/json", data=form).status_code == 400
    number = victim.post(SPARE, data={"x": "7"}).headers["X-ocpu-session"]
    assert victim.post("/ocpu/library/ward/R/hush/json", data={"x": number}).json() == [70]
    with place.client(place.key("thief", Role.ANALYST)) as thief:
        got = thief.post("/ocpu/library/ward/R/hush/json", data={"x": number})
        assert (got.status_code, got.text) == (400, f"Session not found: {number}\n")


def test_function_of_a_session_is_no_way_around_the_list(place: Ward, data: httpx.Client) -> None:
    made = data.post(SPARE, json={"x": 1})
    own = made.headers["X-ocpu-session"]
    with starting_no_r(place):
        for path in ("/R/spare", "/R/spare/json", "::spare", "/files/DESCRIPTION"):
            got = data.post(f"/ocpu/tmp/{own}{path}", data={"x": "1"})
            assert got.status_code == 403, got.text


def test_archive_of_ones_own_session_names_no_other(data: httpx.Client, session: str) -> None:
    own = data.post(SPARE, json={"x": 1}).headers["X-ocpu-session"]
    archive = zipfile.ZipFile(io.BytesIO(data.get(f"/ocpu/tmp/{own}/zip").content))
    assert not [name for name in archive.namelist() if session in name or ".larder" in name]


def test_list_of_the_server_is_for_keys_with_code_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with ward(tmp_path_factory.mktemp("listed"), call=("stats::*",), miss=504) as place:
        with place.client(place.key("ana", Role.ADMIN)) as admin:
            assert admin.post("/ocpu/library/stats/R/sd/json", json={"x": [1, 3]}).is_success
            assert admin.post("/ocpu/library/ward/R/dose/json", json={"weight": 20}).is_success
            with starting_no_r(place):
                refused = admin.post("/ocpu/library/base/R/system", json={"command": "id"})
                assert refused.status_code == 403
                assert 'call: ["base::system"]' in refused.text
                assert admin.get("/ocpu/library/base/R/system/print").status_code == 403
        with place.client(place.key("board", Role.VIEWER)) as viewer, starting_no_r(place):
            assert viewer.get("/v1/results/dose?weight=21").status_code == 504
            got = viewer.post("/ocpu/library/ward/R/dose/json", json={"weight": 21})
            assert got.status_code == 504
            assert viewer.post("/ocpu/library/stats/R/sd", json={"x": 1}).status_code == 504


def test_server_still_answers_everybody_else(
    place: Ward, data: httpx.Client, victim: httpx.Client, session: str
) -> None:
    assert data.get("/v1/results/dose?weight=20").status_code == 200
    assert data.post("/ocpu/library/stats/R/sd/json", json={"x": [1, 3]}).json() == [1.4142]
    assert "stolen" in victim.get(f"/ocpu/tmp/{session}/R/.val/print").text
    assert place.pool.info()["running"] == 0
