"""Apps, packages of repositories: installed when asked for, and only where that is allowed."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import httpx
import pytest
from fakes import NoPool
from serving import wait_until
from shop import commit, offer, package
from worker import Worker, engine, worker

from api.install_refusals import NotInstalled
from api.ocpu_config import APIS, OcpuConfig
from api.on_demand import OnDemand
from api.refusals import Forbidden
from engine.install_policy import InstallPolicy
from engine.pool import Pool
from engine.shelf import Shelf

pytestmark = pytest.mark.r

PAGE = "<!doctype html><title>Greetings</title>"
GREETER = package(
    "greeter",
    'hello <- function(who = "world") paste("hello", who)\nframe <- function() greetings\n',
    **{
        "inst/www/index.html": PAGE,
        "inst/www/app.js": "ocpu.call();",
        "inst/scripts/twice.R": "print(21 * 2)\n",
        "data/greetings.csv": "word\nhello\n",
        "man/hello.Rd": "\\name{hello}\\alias{hello}\\title{Say hello}\\description{It does.}"
        "\\usage{hello(who)}\n",
    },
)
CRUDE = package("crude", "stop('not today')\n")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where apps come from: `ada/hello-app` is the package greeter, `ada/crude` does not build."""
    folder = tmp_path_factory.mktemp("origin")
    commit(folder / "ada" / "hello-app", GREETER)
    commit(folder / "ada" / "crude", CRUDE)
    offer(folder / "cran", package("tally", "tally <- function(x) sum(x)\n"))
    offer(folder / "bioc", package("genes", "genes <- function() 'ACGT'\n"))
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with engine(tmp_path_factory.mktemp("state")) as state:
        yield state


def policy(origin: Path, *allow: str, **changes: object) -> InstallPolicy:
    found = InstallPolicy(
        allow=allow,
        github_url=str(origin),
        cran_url=f"file://{origin}/cran",
        bioc_url=f"file://{origin}/bioc",
    )
    return replace(found, **changes)  # type: ignore[arg-type]


@pytest.fixture
def app(state: Path, origin: Path) -> Iterator[Worker]:
    """A worker with `ada/hello-app` on its shelf."""
    allowed = policy(origin, "github::ada/hello-app")
    with worker(state, install=allowed) as made:
        made.services.on_demand.obtain("github", "ada/hello-app")
        yield made


def test_app_that_may_not_be_installed_is_not_there(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::eve/*", "cran::*")) as made:
        for path in ("", "/", "/R/f/json", "/info"):
            answer = made.get(f"/apps/ada/other{path}")
            assert answer.status_code == 404
            assert answer.text == "Github App ada/other not installed on this server\n"
            assert "cache-control" not in answer.headers
        assert made.post("/apps/ada/other/R/f", data={"x": "1"}).status_code == 404


def test_allowed_app_is_installed_when_it_is_asked_for(state: Path, origin: Path) -> None:
    Shelf(state / "apps").remove("github", "ada/hello-app")
    with worker(state, install=policy(origin, "github::ada/*")) as made:
        answer = made.post("/apps/ada/hello-app/R/hello/json", data={"who": '"Eve"'})
        assert (answer.status_code, answer.json()) == (201, ["hello Eve"])
        found = Shelf(state / "apps").find("github", "ada/hello-app")
        assert found is not None
        assert (found.package, found.ref) == ("greeter", None)


def test_method_that_nothing_answers_installs_nothing(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::ada/*", "cran::*")) as made:
        for path in ("/apps/ada/nothing/", "/cran/tally/"):
            answer = made.client.delete(path)
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert Shelf(state / "apps").find("cran", "tally") is None


def test_app_is_a_package_under_the_name_of_its_repository(app: Worker) -> None:
    root = app.get("/apps/ada/hello-app")
    assert root.headers["location"] == f"{app.url}/ocpu/apps/ada/hello-app/"
    www = app.get("/apps/ada/hello-app/")
    assert www.headers["location"] == f"{app.url}/ocpu/apps/ada/hello-app/www/"
    assert app.get("/apps/ada/hello-app/www/").text == PAGE
    script = app.get("/apps/ada/hello-app/www/app.js")
    assert script.headers["content-type"] == "application/javascript"
    assert script.headers["cache-control"] == "max-age=900, public"
    assert app.get("/apps/ada/hello-app/R/").text.split() == ["frame", "hello"]
    assert "function" in app.get("/apps/ada/hello-app/R/hello/print").text
    assert app.get("/apps/ada/hello-app/data/greetings/csv").text == '"word"\r\n"hello"\r\n'
    assert "Say hello" in app.get("/apps/ada/hello-app/man/hello/text").text
    assert "greeter" in app.get("/apps/ada/hello-app/info").text
    assert app.get("/apps/ada/hello-app/DESCRIPTION").text.startswith("Package: greeter")


def test_app_is_called_as_a_package_is(app: Worker) -> None:
    listing = app.post("/apps/ada/hello-app/R/hello")
    assert listing.status_code == 201
    session = listing.headers["x-ocpu-session"]
    assert f"/ocpu/tmp/{session}/R/.val" in listing.text.split()
    assert app.get(f"/tmp/{session}/R/.val/json").json() == ["hello world"]
    short = app.post("/apps/ada/hello-app::hello/json", json={"who": "Bob"})
    assert (short.status_code, short.json()) == (201, ["hello Bob"])
    script = app.post("/apps/ada/hello-app/scripts/twice.R").headers["x-ocpu-session"]
    assert app.get(f"/tmp/{script}/stdout/text").text.split() == ["[1]", "42"]


def test_names_of_github_are_the_same_in_upper_and_lower_case(app: Worker) -> None:
    assert app.get("/apps/Ada/Hello-App/www/").text == PAGE


def test_apps_are_listed_and_each_owner_has_theirs(app: Worker) -> None:
    assert app.get("/apps").headers["location"] == f"{app.url}/ocpu/apps/"
    everything = app.get("/apps/")
    assert "ada/hello-app" in everything.text.split()
    assert "cache-control" not in everything.headers
    assert "hello-app" in app.get("/apps/ADA/").text.split()
    assert app.get("/apps/eve/").text == "\n"


def test_github_leads_readers_to_apps_and_answers_calls(app: Worker) -> None:
    for method in ("GET", "HEAD"):
        moved = app.client.request(method, "/github/ada/hello-app/R/hello?digits=3")
        assert moved.status_code == 302
        assert moved.headers["location"] == f"{app.url}/ocpu/apps/ada/hello-app/R/hello?digits=3"
    called = app.post("/github/ada/hello-app/R/hello/json", data={"who": '"Eve"'})
    assert (called.status_code, called.json()) == (201, ["hello Eve"])


def test_redirect_of_github_stays_one_header(app: Worker) -> None:
    answer = app.get("/github/a%0d%0aX-Evil:%20yes/b")
    assert "x-evil" not in answer.headers
    assert answer.headers["location"].endswith("/apps/a%0D%0AX-Evil:%20yes/b")
    assert "x-evil" not in app.get("/apps/a%0d%0aX-Evil:%20yes").headers


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/apps/", "GET, HEAD, OPTIONS"),
        ("/apps/ada/", "GET, HEAD, OPTIONS"),
        ("/apps/ada/hello-app/", "GET, HEAD, OPTIONS"),
        ("/apps/ada/hello-app/R/", "GET, HEAD, OPTIONS"),
        ("/apps/ada/hello-app/R/hello", "GET, HEAD, POST, OPTIONS"),
        ("/apps/ada/hello-app/scripts/twice.R", "GET, HEAD, POST, OPTIONS"),
        ("/github/ada/hello-app/R/hello", "GET, HEAD, POST, OPTIONS"),
        ("/cran/", "GET, HEAD, OPTIONS"),
        ("/cran/tally/R/tally", "GET, HEAD, POST, OPTIONS"),
    ],
)
def test_other_methods_are_refused_with_those_that_work(app: Worker, path: str, allow: str) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = app.client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert app.client.options(path).status_code == 200


def test_head_has_the_headers_alone(app: Worker) -> None:
    for path in ("/apps/", "/apps/ada/hello-app/www/", "/apps/ada/hello-app/R/hello/print"):
        head, get = app.client.head(path), app.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(get.content))
        assert head.headers["access-control-allow-origin"] == "*"


def test_package_of_cran_is_installed_when_it_is_allowed(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin)) as made:
        refused = made.get("/cran/tally/R/")
        assert refused.status_code == 404
        assert 'install: {allow: ["cran::tally"]}' in refused.text
        assert str(origin) not in refused.text
    with worker(state, install=policy(origin, "cran::tally")) as made:
        total = made.post("/cran/tally/R/tally/json", json={"x": [1, 2, 3]})
        assert (total.status_code, total.json()) == (201, [6])
        assert made.get("/cran/").text == "tally\n"
        assert made.get("/cran/tally/").headers["location"].endswith("/ocpu/cran/tally/info")
        assert "Help of tally" in made.get("/cran/tally/man/topic/text").text


def test_package_of_bioconductor_is_installed_when_it_is_allowed(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "bioc::*")) as made:
        assert made.post("/bioc/genes/R/genes/json").json() == ["ACGT"]
        assert made.get("/bioc/").text == "genes\n"


def test_name_that_is_none_is_not_there_and_cannot_be_allowed(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::*", "cran::*")) as made:
        for path in ("/cran/-rf/", "/cran/%2e%2e/", "/apps/..%2f../x/"):
            answer = made.get(path)
            assert answer.status_code == 404, path
            assert "allow" not in answer.text


def test_what_there_is_not_at_the_origin_is_a_404(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::*", "cran::*")) as made:
        for path in ("/apps/ada/nothing/", "/cran/nothing/"):
            answer = made.get(path)
            assert answer.status_code == 404, answer.text
            assert str(origin) not in answer.text


def test_app_that_cannot_be_built_says_why_and_is_not_tried_at_once_again(
    state: Path, origin: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with worker(state, install=policy(origin, "github::*")) as made:
        first = made.get("/apps/ada/crude/")
        assert first.status_code == 400
        assert "not today" in first.text
        assert str(state) not in first.text
        assert made.get("/apps/ada/crude/").text == first.text
    outputs = [r for r in caplog.records if r.getMessage().startswith("not installed")]
    assert len(outputs) == 1
    assert "not today" in outputs[0].getMessage()


def test_requests_for_one_app_share_its_installation(state: Path, origin: Path) -> None:
    Shelf(state / "apps").remove("github", "ada/hello-app")
    answers: list[httpx.Response] = []
    with worker(state, install=policy(origin, "github::*")) as made:
        threads = [
            Thread(target=lambda: answers.append(made.get("/apps/ada/hello-app/www/")))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.text for answer in answers] == [PAGE] * 4
    releases = [path for path in (state / "apps" / "releases").iterdir() if path.is_dir()]
    live = [r for r in releases if not (r / "superseded").exists() and "hello" in _record(r)]
    assert len(live) == 1


def _record(release: Path) -> str:
    return (release / "installed.json").read_text()


def test_old_app_is_answered_at_once_and_looked_up_behind(state: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    old = commit(origin / "ada" / "news", package("news", 'news <- function() "old"\n'))
    with worker(state, install=policy(origin, "github::ada/*", refresh_s=3600)) as made:
        assert made.post("/apps/ada/news/R/news/json").json() == ["old"]
        new = commit(origin / "ada" / "news", package("news", 'news <- function() "new"\n'))
        assert made.post("/apps/ada/news/R/news/json").json() == ["old"]  # not old enough
        later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
        made.services.on_demand.clock = lambda: later
        assert made.post("/apps/ada/news/R/news/json").json() == ["old"]
        shelf = Shelf(state / "apps")

        def is_new() -> bool:
            found = shelf.find("github", "ada/news")
            return found is not None and found.commit == new

        wait_until(is_new)
        assert old != new
        assert made.post("/apps/ada/news/R/news/json").json() == ["new"]


def test_origin_that_is_gone_leaves_the_app_and_is_not_asked_again_at_once(
    state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    origin = tmp_path / "origin"
    commit(origin / "ada" / "lost", package("lost", 'lost <- function() "here"\n'))
    with worker(state, install=policy(origin, "github::ada/*", refresh_s=0)) as made:
        made.services.on_demand.obtain("github", "ada/lost")
        (origin / "ada" / "lost").rename(origin / "ada" / "moved")
        for _ in range(3):
            assert made.post("/apps/ada/lost/R/lost/json").json() == ["here"]
            wait_until(lambda: not made.services.on_demand._looking.locked())
    looked = [r for r in caplog.records if r.getMessage().startswith("not looked up again")]
    assert len(looked) == 1


def test_more_requests_than_may_wait_are_sent_away(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "github::*")) as made:
        waiting = made.services.on_demand._waiting
        while waiting.acquire(blocking=False):
            pass
        assert made.get("/apps/ada/another/").status_code == 503


def test_section_that_is_switched_off_says_so(state: Path) -> None:
    with worker(state, ocpu=OcpuConfig(apis=APIS - {"apps", "cran"})) as made:
        for path in ("/apps/", "/github/a/b/", "/cran/"):
            answer = made.get(path)
            assert answer.status_code == 403
            assert "ocpu.apis" in answer.text


def test_installation_is_found_without_the_engine(state: Path, app: Worker) -> None:
    nowhere = Pool(state / "nowhere.sock")
    app.services.on_demand.pool = nowhere
    assert app.get("/apps/ada/hello-app/www/").status_code == 200


def test_installing_on_demand_is_for_whoever_may(tmp_path: Path) -> None:
    allowed = InstallPolicy(allow=("github::ada/*",))
    apps = OnDemand(Shelf(tmp_path), NoPool(), allowed)  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match="a key with the role admin may"):
        apps.obtain("github", "ada/hello-app", may_install=False)
    with pytest.raises(NotInstalled):
        apps.obtain("github", "ben/hello-app", may_install=False)
    with pytest.raises(AssertionError, match="the engine was asked: install"):
        apps.obtain("github", "ada/hello-app", may_install=True)
