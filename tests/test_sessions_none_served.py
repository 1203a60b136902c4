"""Answers without sessions, served: by /v1 in every format, by /ocpu with a session made anew."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from serving import ROOT, Server, wait_until

pytestmark = pytest.mark.server

PROJECT = {
    "larder.yaml": "name: cheap\n",
    "models/cheap.R": """
told <- function(x, kind = "plain") {
  if (kind == "odd" && x == 3) {
    cat("so far so good\\n")
    warning("it gets odd")
    stop("three is odd")
  }
  plot(x)
  data.frame(x = x, root = sqrt(x), drawn = stats::runif(1))
}
""",
    "jobs/cheap.yaml": """
version: 1
jobs:
  told:
    function: cheap::told
    args: {x: {type: integer}, kind: {type: string, default: plain}}
    grid: {x: {from: 1, to: 400}, kind: [plain, odd]}
    sessions: none
    outputs: [json, csv]
    notify: {on: [failed], webhook: "http://127.0.0.1:9/none"}
""",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("cheap")
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with Server(folder, workers=1) as server, server.client() as client:
        asked = client.post("/v1/jobs/told/runs")
        assert asked.status_code in (201, 202), asked.text
        wait_until(lambda: (last_run(client) or {}).get("finished_at") is not None, 60)
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def last_run(client: httpx.Client) -> dict[str, object] | None:
    return client.get("/v1/jobs/told").json()["last_run"]  # type: ignore[no-any-return]


def larder(server: Server, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "larder", *words, "--project", str(server.project)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def sessions(server: Server) -> set[str]:
    folder = server.project / ".larder" / "sessions"
    return {path.name for path in folder.iterdir() if path.name.startswith("x0")}


def test_run_leaves_no_session_and_tells_of_what_failed(
    server: Server, client: httpx.Client
) -> None:
    run = last_run(client)
    assert run is not None
    assert (run["computed"], run["failed"]) == (799, 1)
    told = client.get(f"/v1/runs/{run['id']}/cells", params={"outcome": "failed"}).json()
    (failed,) = told["cells"]
    assert failed["arguments"] == {"x": 3, "kind": "odd"}
    assert failed["failure"]["message"] == "three is odd"
    assert failed["failure"]["warnings"] == ["it gets odd"]
    printed = "so far so good\nWarning message:\nit gets odd\nError:\n"
    assert printed in failed["failure"]["console"]


def test_prepared_formats_are_hits_and_others_are_made_of_the_value(
    server: Server, client: httpx.Client
) -> None:
    before = sessions(server)
    url = "/v1/results/told"
    asked = client.get(url, params={"x": 16})
    drawn = asked.json()[0]["drawn"]
    assert asked.json() == [{"x": 16, "root": 4, "drawn": drawn}]
    assert "x-ocpu-session" not in asked.headers
    for form, text in {
        "csv": '"x","root","drawn"\r\n16,4,',
        "tab": '"x" "root" "drawn"\r\n16 4 ',
        "print": "   x root",
        "md": "---",
    }.items():
        reply = client.get(f"{url}.{form}", params={"x": 16})
        assert reply.status_code == 200
        assert reply.text.lstrip("\n").startswith(text)
        assert reply.headers["cache-status"].startswith("larder; hit")
    assert str(drawn)[:6] in client.get(f"{url}.ndjson", params={"x": 16}).text
    assert client.get(f"{url}.rds", params={"x": 16}).content[:2] == b"X\n"
    assert sessions(server) == before


def test_drawing_is_computed_anew_with_a_session(server: Server, client: httpx.Client) -> None:
    reply = client.get("/v1/results/told.png", params={"x": 25})
    assert (reply.status_code, reply.content[:4]) == (200, b"\x89PNG")
    assert reply.headers["cache-status"].startswith("larder; fwd=miss")
    assert reply.headers["x-ocpu-session"] in sessions(server)


@pytest.mark.parametrize("form", ["", "/json", "/csv"])
def test_opencpu_call_always_has_a_session(server: Server, client: httpx.Client, form: str) -> None:
    x = 100 + len(form)
    url = f"/ocpu/library/cheap/R/told{form}"
    reply = client.post(url, json={"x": x})
    assert reply.status_code == 201
    key = reply.headers["x-ocpu-session"]
    assert key in sessions(server)
    assert reply.headers["cache-status"].startswith("larder; fwd=miss")
    assert client.get(f"/ocpu/tmp/{key}/R/.val/json").json()[0]["x"] == x
    again = client.post(url, json={"x": x})
    assert (again.status_code, again.headers["x-ocpu-session"]) == (201, key)
    assert again.headers["cache-status"].startswith("larder; hit")


def test_opencpu_call_that_wants_no_computing_finds_nothing(client: httpx.Client) -> None:
    reply = client.post(
        "/ocpu/library/cheap/R/told/csv",
        json={"x": 200},
        headers={"Cache-Control": "only-if-cached"},
    )
    assert reply.status_code == 504


def test_table_and_explain_take_them_as_others(client: httpx.Client) -> None:
    table = client.get("/v1/results/told/table", params={"limit": 3, "kind": "plain"}).json()
    assert [row["x"] for row in table] == [1, 2, 3]
    assert all(0 < row["drawn"] < 1 for row in table)
    told = client.get("/v1/jobs/told/explain", params={"x": 9}).json()
    assert (told["state"], told["made_by"]["session"]) == ("hit", None)


def test_commands_take_them_as_others(server: Server) -> None:
    assert json.loads(larder(server, "get", "told", "x=36"))[0]["root"] == 6
    assert '"x","root"' in larder(server, "get", "told", "x=36", "--format", "csv")
    assert "session" not in larder(server, "explain", "told", "x=36")
    assert json.loads(larder(server, "get", "told", "x=37"))[0]["x"] == 37
