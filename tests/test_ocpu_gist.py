"""Gists: listed, read and run, where the operator allows their user."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from shop import commit
from worker import engine, worker

from api.api_error import NotFound
from api.errors import OriginFailed, OriginTimeout
from api.gist_list import GistList
from engine.install_policy import InstallPolicy
from engine.shelf import Shelf

HELLO = 'print("Hello gist!")\n'
GISTS = [{"id": "f00d", "public": True}, {"id": "beef"}]


@dataclass
class GitHub:
    """A server in place of GitHub's API; `answer` gives status and body."""

    answer: Callable[[], tuple[int, bytes]]
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def github(answer: Callable[[], tuple[int, bytes]]) -> Iterator[GitHub]:
    made = GitHub(answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, body = made.answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def answers(value: object, status: int = 200) -> Callable[[], tuple[int, bytes]]:
    return lambda: (status, json.dumps(value).encode())


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gists")
    files = {
        "hello.R": HELLO,
        "greet.R": 'cat("to", Sys.Date() > 0, "\\n")\nx <- 42\n',
        "data.csv": "a,b\n1,2\n",
        "report.Rmd": "# Title\n",
        ".hidden": "secret\n",
    }
    commit(folder / "eve" / "f00d", files)
    (folder / "eve" / "f00d" / "link").symlink_to("/etc/passwd")
    commit(folder / "eve" / "f00d", {})
    return folder


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with engine(tmp_path_factory.mktemp("state")) as state:
        yield state


def policy(origin: Path, *allow: str, api: str = "http://127.0.0.1:9") -> InstallPolicy:
    return InstallPolicy(allow=allow, gist_url=str(origin), github_api_url=api)


@pytest.mark.r
def test_script_of_a_gist_runs_and_its_output_is_read(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "gist::eve/*")) as made:
        ran = made.post("/gist/eve/f00d/hello.R")
        assert ran.status_code == 201
        session = ran.headers["x-ocpu-session"]
        below = f"/ocpu/tmp/{session}"
        assert ran.text.split() == [
            *(f"{below}/stdout", f"{below}/source", f"{below}/console", f"{below}/info"),
            f"{below}/files/DESCRIPTION",
        ]
        assert made.get(f"/tmp/{session}/stdout/text").text.strip() == '[1] "Hello gist!"'
        other = made.post("/gist/eve/f00d/greet.R").headers["x-ocpu-session"]
        assert made.get(f"/tmp/{other}/R/x/json").json() == [42]


@pytest.mark.r
def test_files_of_a_gist_are_listed_and_read(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "gist::eve/f00d")) as made:
        assert made.get("/gist/eve/f00d").headers["location"].endswith("/gist/eve/f00d/")
        names = made.get("/gist/eve/f00d/")
        assert names.text.split() == ["data.csv", "greet.R", "hello.R", "link", "report.Rmd"]
        assert names.headers["cache-control"] == "max-age=900, public"
        script = made.get("/gist/eve/f00d/hello.R")
        assert (script.text, script.headers["content-type"]) == (
            HELLO,
            "text/plain; charset=utf-8",
        )
        assert made.get("/gist/eve/f00d/data.csv").headers["content-type"].startswith("text/csv")
        head = made.client.head("/gist/eve/f00d/hello.R")
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.r
@pytest.mark.parametrize(
    "path",
    [
        ".hidden",
        ".git/config",
        ".git",
        "..%2f..%2fx",
        "%2e%2e/installed.json",
        "nothing.R",
        "a%00b",
        "a" * 300,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_no_listing_shows_cannot_be_read_or_run(
    state: Path, origin: Path, path: str, method: str
) -> None:
    with worker(state, install=policy(origin, "gist::eve/*")) as made:
        answer = made.client.request(method, f"/gist/eve/f00d/{path}")
        assert answer.status_code == 400, answer.text
        assert str(state) not in answer.text


@pytest.mark.r
def test_link_out_of_a_gist_leads_nowhere(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "gist::eve/*")) as made:
        assert "root:" not in made.get("/gist/eve/f00d/link").text


@pytest.mark.r
def test_gist_that_is_not_allowed_is_not_there(state: Path, origin: Path) -> None:
    Shelf(state / "apps").remove("gist", "eve/f00d")
    with worker(state, install=policy(origin, "gist::bob/*", "github::eve/*")) as made:
        for method, path in (("GET", "/"), ("GET", "/hello.R"), ("POST", "/hello.R")):
            answer = made.client.request(method, f"/gist/eve/f00d{path}")
            assert answer.status_code == 404
            assert 'install: {allow: ["gist::eve/f00d"]}' in answer.text
        assert made.get("/gist/eve/").status_code == 404
        assert made.get("/gist/").status_code == 400
    assert Shelf(state / "apps").find("gist", "eve/f00d") is None


@pytest.mark.r
def test_gist_that_github_does_not_have_is_a_404(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "gist::*")) as made:
        answer = made.get("/gist/eve/0bad/")
        assert answer.status_code == 404
        assert str(origin) not in answer.text


@pytest.mark.r
def test_other_methods_are_refused_with_those_that_work(state: Path, origin: Path) -> None:
    with worker(state, install=policy(origin, "gist::eve/*")) as made:
        for method, path, allow in (
            ("DELETE", "/gist/eve/f00d/hello.R", "GET, HEAD, POST, OPTIONS"),
            ("POST", "/gist/eve/f00d/", "GET, HEAD, OPTIONS"),
            ("POST", "/gist/eve/", "GET, HEAD, OPTIONS"),
            ("PUT", "/gist/", "GET, HEAD, OPTIONS"),
        ):
            answer = made.client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.r
def test_gists_of_an_allowed_user_are_asked_of_github(state: Path, origin: Path) -> None:
    with (
        github(answers(GISTS)) as api,
        worker(state, install=policy(origin, "gist::eve/*", api=api.url)) as made,
    ):
        assert made.get("/gist/eve").headers["location"].endswith("/gist/eve/")
        assert made.get("/gist/eve/").text == "beef\nf00d\n"
        assert made.get("/gist/EVE/").text == "beef\nf00d\n"
        assert api.asked == ["/users/eve/gists?per_page=100"]


@pytest.mark.r
def test_user_with_a_single_allowed_gist_has_what_is_installed_listed(
    state: Path, origin: Path
) -> None:
    with (
        github(answers(GISTS)) as api,
        worker(state, install=policy(origin, "gist::eve/f00d", api=api.url)) as made,
    ):
        made.get("/gist/eve/f00d/")
        assert made.get("/gist/eve/").text == "f00d\n"
        assert api.asked == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, "Not Found", NotFound),
        (403, "rate limit", OriginFailed),
        (500, "oops", OriginFailed),
        (200, "not a list", OriginFailed),
        (200, [{"name": "without id"}], OriginFailed),
        (200, "x" * (9 * 2**20), OriginFailed),
    ],
)
def test_github_without_a_list_is_an_error_that_says_so(
    status: int, body: object, error: type[Exception]
) -> None:
    with github(answers(body, status)) as api, pytest.raises(error) as raised:
        GistList(api.url).ids("eve")
    assert api.url not in str(raised.value)


def test_github_that_cannot_be_reached_is_an_error_that_says_so() -> None:
    with github(answers([])) as api:
        gone = api.url
    with pytest.raises(OriginFailed, match="cannot be reached"):
        GistList(gone).ids("eve")
    with pytest.raises(OriginFailed, match="github_api_url"):
        GistList("file:///etc").ids("eve")


def test_github_that_does_not_answer_is_not_waited_for() -> None:
    released = threading.Event()

    def slow() -> tuple[int, bytes]:
        released.wait(20)
        return 200, b"[]"

    with github(slow) as api:
        try:
            with pytest.raises(OriginTimeout):
                GistList(api.url, timeout_s=0.05).ids("eve")
        finally:
            released.set()


def test_list_is_remembered_a_while_and_errors_are_not() -> None:
    with github(answers([], 500)) as api:
        gists = GistList(api.url)
        with pytest.raises(OriginFailed):
            gists.ids("eve")
        api.answer = answers([*GISTS, {"id": "../etc"}])
        assert gists.ids("eve") == ("f00d", "beef")
        assert gists.ids("Eve") == ("f00d", "beef")
        gists.kept_for_s = 0
        gists.ids("eve")
    assert len(api.asked) == 3
