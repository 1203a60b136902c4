"""Rights: what each role, and each key, may do inside; and that R is never asked for a viewer."""

from collections.abc import Iterator

import httpx
import pytest
from serving import wait_until
from ward import PREPARED, Ward, starting_no_r, ward

from cache.manifest import MANIFEST, Manifest
from jobs.role import Role

pytestmark = pytest.mark.server

DOSE = "/ocpu/library/ward/R/dose"
RESPOND_ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with ward(tmp_path_factory.mktemp("rights")) as made:
        yield made


@pytest.fixture(scope="module")
def viewer(place: Ward) -> Iterator[httpx.Client]:
    with place.client(place.key("board", Role.VIEWER)) as client:
        yield client


@pytest.fixture(scope="module")
def caller(place: Ward) -> Iterator[httpx.Client]:
    with place.client(place.key("shop", Role.CALLER)) as client:
        yield client


@pytest.fixture(scope="module")
def analyst(place: Ward) -> Iterator[httpx.Client]:
    with place.client(place.key("ana", Role.ANALYST)) as client:
        yield client


@pytest.fixture(scope="module")
def operator(place: Ward) -> Iterator[httpx.Client]:
    with place.client(place.key("olga", Role.OPERATOR)) as client:
        yield client


def made_by(client: httpx.Client, weight: str) -> str:
    """Calls a function and returns the key of the session."""
    got = client.post("/ocpu/library/ward/R/spare", data={"x": weight})
    assert got.status_code == 201, got.text
    return got.headers["X-ocpu-session"]


@pytest.fixture(scope="module")
def session(analyst: httpx.Client) -> str:
    return made_by(analyst, "42")


VIEWED = [
    ("GET", PREPARED, {}, 200),
    ("GET", "/v1/results/dose.csv?weight=20", {}, 200),
    ("HEAD", PREPARED, {}, 200),
    ("GET", PREPARED, {"headers": {"Cache-Control": "no-cache"}}, 200),
    ("GET", PREPARED, {"headers": {"Cache-Control": "max-age=0"}}, 200),
    ("GET", PREPARED, {"headers": RESPOND_ASYNC}, 200),
    ("GET", "/v1/results/dose?weight=21", {}, 404),
    ("HEAD", "/v1/results/dose?weight=21", {}, 404),
    ("GET", "/v1/results/dose?weight=21", {"headers": RESPOND_ASYNC}, 404),
    ("GET", "/v1/results/dose?weight=21", {"headers": {"Cache-Control": "only-if-cached"}}, 504),
    ("GET", "/v1/results/dose?weight=1000", {}, 400),
    ("GET", "/v1/results/dose.png?weight=20", {}, 404),
    ("GET", "/v1/results/dose.rds?weight=20", {}, 404),
    ("GET", "/v1/results/dose.png?weight=20", {"headers": RESPOND_ASYNC}, 404),
    ("GET", "/v1/results/dose/table", {}, 200),
    ("GET", "/v1/results/dose/table.csv?as_of=2026-11-23T04:59Z", {}, 200),
    ("GET", "/v1/results/dose?weight=20&as_of=2026-11-23T04:59Z", {}, 404),
    ("GET", "/v1/jobs", {}, 200),
    ("GET", "/v1/jobs/dose", {}, 200),
    ("GET", "/v1/jobs/dose/explain?weight=21", {}, 200),
    ("GET", "/v1/jobs/dose/diff?from=2026-11-23T04:59Z", {}, 200),
    ("GET", "/v1/results/ages?id=2", {}, 200),
    ("GET", "/v1/results/ages?id=9", {}, 404),
    ("GET", "/v1/jobs/ages/explain?id=9", {}, 200),
    ("GET", "/v1/results/ages/table", {}, 200),
    ("GET", "/v1/results/ages/table?as_of=2026-11-23T04:59Z", {}, 200),
    ("GET", "/v1/results/ages?id=2&as_of=2026-11-23T04:59Z", {}, 404),
    ("GET", "/v1/jobs/ages/diff?from=2026-11-23T04:59Z", {}, 200),
    ("GET", "/v1/results/ages.csv?id=2", {}, 200),
    ("POST", f"{DOSE}/json", {"data": {"weight": "20"}}, 201),
    ("POST", f"{DOSE}/json", {"json": {"weight": 20}}, 201),
    ("POST", DOSE, {"data": {"weight": "20"}}, 201),
    ("POST", f"{DOSE}/json", {"data": {"weight": "21"}}, 404),
    ("POST", f"{DOSE}/json", {"data": {"weight": "21"}, "headers": RESPOND_ASYNC}, 404),
    ("POST", f"{DOSE}/png", {"data": {"weight": "20"}}, 404),
    ("POST", f"{DOSE}/json?digits=1", {"data": {"weight": "20"}}, 404),
    ("POST", "/ocpu/library/ward/R/spare", {"data": {"x": "20"}}, 403),
    ("POST", "/ocpu/library/ward/scripts/x.R", {}, 403),
    ("POST", "/ocpu/library/ward::dose/json", {"data": {"weight": "20"}}, 201),
    ("GET", "/ocpu/library/", {}, 403),
    ("GET", "/ocpu/library/ward/R/dose/print", {}, 403),
    ("GET", "/ocpu/library/stats/man/sd/html", {}, 403),
    ("HEAD", "/ocpu/library/ward/info", {}, 403),
    ("GET", "/ocpu/info", {}, 403),
    ("GET", "/ocpu/doc/", {}, 403),
    ("POST", "/v1/jobs/dose/runs", {}, 403),
    ("GET", "/v1/runs", {}, 403),
    ("GET", "/v1/calls", {}, 403),
    ("GET", "/v1/sessions", {}, 403),
    ("GET", "/metrics", {}, 200),
    ("GET", "/nowhere", {}, 404),
    ("POST", "/ocpu/library/ward/R/age/json", {"json": {"newdata": [{"born": 1}]}}, 404),
    *(("GET", f"/v1/results/dose?weight={number}", {}, 404) for number in range(31, 71)),
    *(("GET", f"/v1/results/dose.csv?weight={number}.5", {}, 404) for number in range(31, 71)),
    *(("POST", f"{DOSE}/json", {"json": {"weight": number}}, 404) for number in range(31, 71)),
    *(("GET", f"/v1/jobs/dose/explain?weight={number}", {}, 200) for number in range(31, 71)),
    *(("GET", f"/ocpu/library/base/R/{name}/print", {}, 403) for name in ("c", "sum", "lm")),
]


@pytest.mark.parametrize("hour", ["fresh", "stale"])
def test_viewer_is_never_a_reason_to_ask_r(place: Ward, viewer: httpx.Client, hour: str) -> None:
    began = place.clock.now
    if hour == "stale":
        place.clock.advance(hours=2)
    try:
        with starting_no_r(place):
            for method, url, options, status in [*VIEWED, *VIEWED]:  # again: some are remembered
                got = viewer.request(method, url, **options)
                assert got.status_code == status, (method, url, got.status_code, got.text)
    finally:
        place.clock.now = began


def test_explanation_tells_a_viewer_what_a_viewer_gets(
    viewer: httpx.Client, caller: httpx.Client
) -> None:
    url = "/v1/jobs/dose/explain?weight=71"
    assert viewer.get(url).json()["on_asking"] == "refused"
    assert caller.get(url).json()["on_asking"] == "computed"


def test_stale_answer_that_a_viewer_was_given_is_renewed_for_a_caller(
    place: Ward, viewer: httpx.Client, caller: httpx.Client
) -> None:
    began = place.clock.now
    place.clock.advance(hours=2)
    try:
        with starting_no_r(place):
            got = viewer.get("/v1/results/private?x=2")
            assert "stale" in got.headers["Cache-Status"]
        assert "stale" in caller.get("/v1/results/private?x=2").headers["Cache-Status"]
        wait_until(
            lambda: "stale" not in viewer.get("/v1/results/private?x=2").headers["Cache-Status"]
        )
    finally:
        place.clock.now = began


def test_viewer_is_not_told_of_sessions(place: Ward, viewer: httpx.Client, session: str) -> None:
    with starting_no_r(place):
        for path in ("", "/R/.val/json", "/console", "/zip", "/files/DESCRIPTION"):
            assert viewer.get(f"/ocpu/tmp/{session}{path}").status_code == 403
        assert viewer.delete(f"/ocpu/tmp/{session}").status_code == 403


def test_caller_sends_data_of_every_kind(place: Ward) -> None:
    key = place.key("kinds", Role.CALLER, functions=["ward::spare", "MASS::*"])
    sent = {
        "2 * 3": 6,
        '"a"': "a",
        "TRUE": True,
        "[1, 2]": [1, 2],
        '{"a": 1}': {"a": [1]},
        "pi": 3.1416,
        "women::height": None,
        "MASS::shuttle": None,
    }
    with place.client(key) as client:
        for text, value in sent.items():
            got = client.post("/ocpu/library/ward/R/spare/json", data={"x": text})
            if text == "women::height":
                assert got.status_code == 403
            elif value is None:
                assert got.status_code == 201, got.text
            else:
                assert got.json() in (value, [value]), text
        body = client.post("/ocpu/library/ward/R/spare/json", json={"x": {"type": "call"}})
        assert body.json() == {"type": ["call"]}
        first = made_by(client, "mtcars")
        for form in ({"x": first}, {"x": f"{first}::.val"}, {"...": f"x = {first}"}):
            got = client.post("/ocpu/library/ward/R/spare/json", data=form)
            assert len(got.json()) == 32, got.text


def test_functions_of_a_key_are_all_that_it_calls(place: Ward) -> None:
    key = place.key("stats", Role.CALLER, functions=["stats::s*"])
    with place.client(key) as client:
        got = client.post("/ocpu/library/stats/R/sd/json", json={"x": [1, 3]})
        assert got.json() == [1.4142]
        with starting_no_r(place):
            refused = client.post("/ocpu/library/stats/R/rnorm/json", json={"n": 3})
            assert refused.status_code == 403
            assert refused.text == "this key is not for the function stats::rnorm\n"
            assert client.post(f"{DOSE}/json", json={"weight": 20}).status_code == 403
        assert client.get("/ocpu/library/stats/R/sd/print").status_code == 200


def test_key_without_functions_calls_what_jobs_declare(place: Ward, caller: httpx.Client) -> None:
    assert caller.post(f"{DOSE}/json", json={"weight": 22}).status_code == 201
    with starting_no_r(place):
        refused = caller.post("/ocpu/library/stats/R/sd/json", json={"x": [1, 3]})
        assert refused.status_code == 403
        assert "--functions 'stats::sd'" in refused.text


def test_analyst_without_functions_calls_anything_with_code(analyst: httpx.Client) -> None:
    got = analyst.post("/ocpu/library/base/R/sapply/json", data={"X": "1:2", "FUN": "sqrt"})
    assert got.json() == [1, 1.4142]


def test_jobs_of_a_key_are_all_that_it_sees(place: Ward) -> None:
    key = place.key("dosing", Role.OPERATOR, jobs=["dos*"])
    with place.client(key) as client, starting_no_r(place):
        assert [job["name"] for job in client.get("/v1/jobs").json()["jobs"]] == ["dose"]
        assert client.get("/v1/results/dose.csv?weight=10").status_code == 200
        paths = ("/v1/results/private?x=1", "/v1/results/private.csv?x=1", "/v1/jobs/private")
        more = ("results/private/table", "jobs/private/explain", "jobs/private/diff")
        for path in (*paths, *(f"/v1/{one}" for one in more), "/v1/jobs/private/runs"):
            got = client.get(path)
            assert got.status_code == 403, (path, got.text)
        assert client.get("/v1/jobs/dosee").json()["nearest"] == "dose"
        runs = client.get("/v1/runs").json()["runs"]
        assert {run["job"] for run in runs} == {"dose"}
        others = [run.id for run in place.catalog.runs(job="private")]
        for path in ("", "/cells", "/events"):
            assert client.get(f"/v1/runs/{others[0]}{path}").status_code == 403
        assert client.delete(f"/v1/runs/{others[0]}").status_code == 403
        assert client.get("/v1/runs?job=private").json() == {"runs": []}


def test_answer_of_a_job_that_is_not_theirs_is_no_hit_through_its_function(place: Ward) -> None:
    key = place.key("doses", Role.CALLER, jobs=["dose"])
    with place.client(key) as client, starting_no_r(place):
        assert client.post("/ocpu/library/ward/R/hush/json", json={"x": 1}).status_code == 403
    allowed = place.key("hushes", Role.CALLER, jobs=["dose"], functions=["ward::hush"])
    before = place.asked()
    with place.client(allowed) as client:  # the function is theirs, its prepared answer not
        got = client.post("/ocpu/library/ward/R/hush/json", json={"x": 1})
        assert got.json() == [10]
        assert "Cache-Status" not in got.headers
    assert place.asked() > before


def test_memo_of_one_key_answers_no_other(place: Ward) -> None:
    first = place.client(place.key("memo", Role.CALLER))
    other = place.client(place.key("others", Role.CALLER, jobs=["private"]))
    with first, other:
        for _ in range(5):
            assert first.post(f"{DOSE}/json", json={"weight": 20}).status_code == 201
            assert other.post(f"{DOSE}/json", json={"weight": 20}).status_code == 403


def test_answer_to_a_key_is_for_no_cache_on_the_way(caller: httpx.Client, session: str) -> None:
    for _ in range(2):  # the second may come from memory
        assert caller.get(PREPARED).headers["Cache-Control"].endswith(", private")
        got = caller.post(f"{DOSE}/json", json={"weight": 20})
        assert got.headers["Cache-Control"].endswith(", private")


def test_session_is_its_makers_until_it_is_shared(
    place: Ward, session: str, analyst: httpx.Client, operator: httpx.Client
) -> None:
    with place.client(place.key("ben", Role.ANALYST)) as ben:
        assert analyst.get(f"/ocpu/tmp/{session}/R/.val/json").json() == [42]
        assert operator.get(f"/ocpu/tmp/{session}/R/.val/json").json() == [42]
        assert ben.get(f"/ocpu/tmp/{session}/R/.val/json").status_code == 404
        assert ben.patch(f"/v1/sessions/{session}", json={"shared": True}).status_code == 404
        assert analyst.patch(f"/v1/sessions/{session}", json={"shared": True}).status_code == 200
        assert ben.get(f"/ocpu/tmp/{session}/R/.val/json").json() == [42]
        got = ben.post("/ocpu/library/ward/R/spare/json", data={"x": session})
        assert got.json() == [42]
        assert ben.delete(f"/ocpu/tmp/{session}").status_code == 403
        assert ben.patch(f"/v1/sessions/{session}", json={"shared": False}).status_code == 403
        assert analyst.patch(f"/v1/sessions/{session}", json={"shared": False}).status_code == 200
        assert ben.get(f"/ocpu/tmp/{session}/R/.val/json").status_code == 404


def test_session_made_before_there_were_keys_is_the_operators(
    place: Ward, analyst: httpx.Client, operator: httpx.Client
) -> None:
    sessions = place.worker.services.sessions
    stage = sessions.stage()
    manifest = Manifest(created_at=place.clock(), texts={"stdout": ["early"]})
    (stage.path / MANIFEST).write_bytes(manifest.to_json())
    sessions.publish(stage)
    url = f"/ocpu/tmp/{stage.session_key}/stdout/text"
    assert analyst.get(url).status_code == 404
    assert operator.get(url).text == "early\n"


def test_session_of_a_prepared_answer_is_read_by_who_may_read_the_job(
    place: Ward, caller: httpx.Client
) -> None:
    key = caller.get(PREPARED).headers["X-ocpu-session"]
    assert caller.get(f"/ocpu/tmp/{key}/R/.val/json").status_code == 200
    assert caller.delete(f"/ocpu/tmp/{key}").status_code == 403
    with place.client(place.key("none", Role.CALLER, jobs=["private"])) as other:
        assert other.get(f"/ocpu/tmp/{key}/R/.val/json").status_code == 404


def test_lists_have_ones_own_alone(
    place: Ward, session: str, analyst: httpx.Client, operator: httpx.Client
) -> None:
    with place.client(place.key("eve", Role.ANALYST)) as eve:
        assert eve.get("/v1/sessions").json() == {"sessions": []}
        mine = made_by(eve, "1")
        assert [one["key"] for one in eve.get("/v1/sessions").json()["sessions"]] == [mine]
    assert session in {one["key"] for one in analyst.get("/v1/sessions").json()["sessions"]}
    every = {one["key"] for one in operator.get("/v1/sessions?limit=1000").json()["sessions"]}
    assert {mine, session} <= every


def test_call_is_followed_and_cancelled_by_its_maker_alone(
    place: Ward, analyst: httpx.Client, operator: httpx.Client
) -> None:
    form = {"expr": "Sys.sleep(60)"}
    begun = analyst.post(
        "/ocpu/library/base/R/identity", data={"x": form["expr"]}, headers=RESPOND_ASYNC
    )
    assert begun.status_code == 202, begun.text
    url = begun.json()["status_url"]
    with place.client(place.key("zed", Role.ANALYST)) as zed:
        assert zed.get("/v1/calls").json() == {"calls": []}
        assert zed.get(url).status_code == 404
        assert zed.get(f"{url}/events").status_code == 404
        assert zed.delete(url).status_code == 404
    wait_until(lambda: operator.get("/v1/calls").json()["calls"])
    assert [one["status_url"] for one in analyst.get("/v1/calls").json()["calls"]] == [url]
    assert analyst.delete(url).status_code == 204
    assert analyst.get(url).json()["status"] == "cancelled"
