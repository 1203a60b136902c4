"""A saved job file goes live whole; a broken one is told everywhere, and what was live stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Server, wait_until
from typer.testing import CliRunner

from larder.cli import app

pytestmark = pytest.mark.server

GRID = """
jobs:
  {name}:
    function: clinic::dose
    description: {text}
    args: {{weight: {{min: 3, max: 150}}}}
    grid: {{weight: [50, 60]}}
"""
BAD = "jobs:\n  dose:\n    funktion: clinic::dose\n    retries: 99\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("reload") / "clinic"
    for folder in ("jobs", "models"):
        (project / folder).mkdir(parents=True)
    (project / "larder.yaml").write_text("name: clinic\n")
    (project / "models" / "m.R").write_text(
        "dose <- function(weight) data.frame(mg = weight / 2)\n"
    )
    write(project, "dose", "first")
    with Server(project) as server:
        with server.client() as client:  # the scheduler starts a bit later than the others
            wait_until(lambda: definitions(client)["live_since"])
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def write(project: Path, name: str, text: str) -> None:
    (project / "jobs" / f"{name}.yaml").write_text(GRID.format(name=name, text=text))


def described(client: httpx.Client) -> dict[str, str]:
    return {job["name"]: job["description"] for job in client.get("/v1/jobs").json()["jobs"]}


def definitions(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/definitions").json()
    return found


def metrics(client: httpx.Client) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    pairs = (line.split() for line in lines if line.startswith("larder_definitions_"))
    return {name.removeprefix("larder_definitions_"): float(figure) for name, figure in pairs}


def status(project: Path, *options: str) -> str:
    said = CliRunner().invoke(app, ["status", str(project), *options])
    assert said.exit_code == 0, said.output
    return said.stdout


def test_saved_files_go_live_together_in_all_workers(server: Server, client: httpx.Client) -> None:
    before = definitions(client)
    assert (before["valid"], before["jobs"], before["problems"]) == (True, 1, [])
    write(server.project, "dose", "second")
    write(server.project, "other", "new")
    expected = {"dose": "second", "other": "new"}
    wait_until(lambda: described(client) == expected)
    for _ in range(20):  # each connection goes to one of the workers
        with server.client() as another:
            wait_until(lambda: described(another) == expected)
    wait_until(lambda: definitions(client)["jobs"] == 2)
    after = definitions(client)
    assert after["live_since"] > before["live_since"]
    assert metrics(client)["valid"] == 1
    (server.project / "jobs" / "other.yaml").unlink()
    wait_until(lambda: described(client) == {"dose": "second"})


def test_a_broken_file_is_told_everywhere_until_it_is_mended(
    server: Server, client: httpx.Client
) -> None:
    before = definitions(client)
    jobs = described(client)
    file = server.project / "jobs" / "dose.yaml"
    good = file.read_text()
    file.write_text(BAD)
    wait_until(lambda: not definitions(client)["valid"])
    told = definitions(client)
    assert told["problems"] == [
        {
            "file": "jobs/dose.yaml",
            "line": 3,
            "column": 5,
            "message": "unknown key 'funktion'",
            "hint": "did you mean 'function'?",
            "severity": "error",
        },
        {
            "file": "jobs/dose.yaml",
            "line": 4,
            "column": 14,
            "message": "99 is too large; it must be at most 10",
            "hint": "",
            "severity": "error",
        },
    ]
    assert (told["jobs"], told["live_since"]) == (1, before["live_since"])
    assert described(client) == jobs
    figures = metrics(client)
    assert (figures["valid"], figures["problems"], figures["jobs"]) == (0, 2, 1)
    assert figures["read_timestamp_seconds"] > figures["live_timestamp_seconds"]
    assert "jobs/dose.yaml:3:5: unknown key 'funktion'" in server.log.read_text()

    said = status(server.project)
    assert "2 mistakes in the job files; the server goes on with what it took over " in said
    assert "jobs/dose.yaml:3:5: unknown key 'funktion' (did you mean 'function'?)" in said
    facts = json.loads(status(server.project, "--json"))["definitions"]
    assert (facts["valid"], len(facts["problems"])) == (False, 2)
    assert facts["live_since"] is not None

    file.write_text(good)
    wait_until(lambda: definitions(client)["valid"])
    assert definitions(client)["live_since"] == before["live_since"]  # as it was before
    assert metrics(client)["problems"] == 0
    assert "mistakes in the job files mended problems=2" in server.log.read_text()
    assert "mistake" not in status(server.project)


def test_a_job_that_is_removed_and_comes_back_has_its_answers(
    server: Server, client: httpx.Client
) -> None:
    asked = "/v1/results/dose?weight=50"
    first = client.get(asked)
    session = client.get("/v1/jobs/dose/explain?weight=50").json()["made_by"]["session"]
    file = server.project / "jobs" / "dose.yaml"
    good = file.read_text()
    file.unlink()
    wait_until(lambda: client.get(asked).status_code == 404)
    assert client.get(session).status_code == 200
    file.write_text(good)
    wait_until(lambda: client.get(asked).status_code == 200)
    again = client.get(asked)
    assert "hit" in again.headers["cache-status"]
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["last-modified"] == first.headers["last-modified"]
