"""Runs that are asked for over HTTP: queued, followed, cancelled; and what R said of failures."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from asked_runs import Asked, ask, follow, look, wait_for
from patience import has_ended
from serving import ROOT, wait_until
from typer.testing import CliRunner

from larder.cli import app

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def client(asked: Asked) -> Iterator[httpx.Client]:
    with asked.served() as client:
        yield client


@pytest.fixture(autouse=True)
def closed(asked: Asked) -> Iterator[None]:
    asked.close_gates()
    yield
    asked.open(1, 2, 3, 11)


def larder(asked: Asked, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*words, "--project", str(asked.project)])
    assert result.exit_code == status, result.output
    return result.output


def test_run_waits_for_the_one_before_and_is_begun_when_that_has_ended(
    client: httpx.Client, asked: Asked
) -> None:
    first = ask(client, "waits", only="all")
    asked.wait_for_begin(1)
    second = ask(client, "waits", where={"x": 3}, only="all")
    waiting = look(client, second)
    assert (waiting["status"], waiting["cause"], waiting["position"]) == ("queued", "manual", 1)
    assert waiting["scope"] == {"where": {"x": ["3"]}, "only": "all"}
    assert waiting["started_at"] is None
    assert ask(client, "waits", where={"x": 3}, only="all") == second
    asked.open(1, 2, 3)
    assert wait_for(client, first, "succeeded")["computed"] == 3
    ended = wait_for(client, second, "succeeded")
    assert (ended["computed"], ended["position"]) == (1, None)
    assert ended["started_at"] >= look(client, first)["finished_at"]


def test_events_tell_of_a_run_from_its_queue_to_its_end(client: httpx.Client, asked: Asked) -> None:
    before = ask(client, "waits", where={"x": 1}, only="all")
    asked.wait_for_begin(1)
    run = ask(client, "waits", only="all")
    seen = []
    for event in follow(client, run):
        seen.append(event)
        if event.data["status"] == "queued":
            asked.open(1)
        elif event.name == "status":
            asked.open(2, 3)
    states = [(event.name, event.data["status"]) for event in seen]
    assert states[0] == ("status", "queued")
    assert ("status", "running") in states
    assert states[-1] == ("done", "succeeded")
    assert seen[-1].data == look(client, run)
    assert [event.id for event in seen] == sorted(event.id for event in seen)
    (last,) = follow(client, run, seen[-1].id)
    assert last == seen[-1]
    assert look(client, before)["status"] == "succeeded"


def test_reader_that_comes_back_is_told_only_what_is_new(
    client: httpx.Client, asked: Asked
) -> None:
    run = ask(client, "waits", only="all")
    asked.wait_for_begin(1)
    wait_until(lambda: look(client, run)["cells_total"] == 3)
    first = next(follow(client, run))
    assert (first.name, first.data["done"]) == ("status", 0)
    asked.open(1, 2, 3)
    seen = list(follow(client, run, first.id))
    assert seen[-1].name == "done"
    assert all(event.id > first.id for event in seen)


def test_cancelling_a_run_ends_what_r_does_and_keeps_what_is_computed(
    client: httpx.Client, asked: Asked
) -> None:
    asked.open(1)
    run = ask(client, "waits", only="all")
    child = asked.wait_for_begin(2)
    assert client.delete(f"/v1/runs/{run}").status_code == 204
    ended = look(client, run)
    assert (ended["status"], ended["error"]) == (
        "cancelled",
        "cancelled through the API, from 127.0.0.1",
    )
    wait_until(lambda: has_ended(child))
    wait_until(lambda: look(client, run)["computed"] == 1)
    assert look(client, run)["failed"] == 0
    cells = client.get(f"/v1/runs/{run}/cells").json()["cells"]
    assert [(cell["arguments"], cell["outcome"]) for cell in cells] == [({"x": 1}, "computed")]
    again = client.delete(f"/v1/runs/{run}")
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"run {run} has ended already: cancelled",
    )


def test_run_that_waits_is_cancelled_before_it_begins(client: httpx.Client, asked: Asked) -> None:
    before = ask(client, "waits", only="all")
    asked.wait_for_begin(1)
    run = ask(client, "waits", where={"x": 2}, only="all")
    told = larder(asked, "runs", "cancel", str(run))
    assert told == f"run {run} is cancelled; what it had computed is kept\n"
    asked.open(1, 2, 3)
    wait_for(client, before, "succeeded")
    cancelled = look(client, run)
    assert (cancelled["status"], cancelled["computed"]) == ("cancelled", 0)
    assert "with `larder runs cancel`" in cancelled["error"]


def test_what_r_said_of_every_failed_cell_is_kept_and_shown(
    client: httpx.Client, asked: Asked
) -> None:
    run = ask(client, "fails", only="all")
    ended = wait_for(client, run, "partial")
    assert (ended["computed"], ended["failed"]) == (2, 3)
    first = client.get(f"/v1/runs/{run}/cells?outcome=failed&limit=2").json()
    rest = client.get(first["next"]).json()
    assert (len(first["cells"]), len(rest["cells"]), rest["next"]) == (2, 1, None)
    cells = {cell["arguments"]["x"]: cell["failure"] for cell in first["cells"] + rest["cells"]}
    assert {x: failure["kind"] for x, failure in cells.items()} == {
        2: "RError",
        3: "WorkerDied",
        4: "EvaluationTimeout",
    }
    assert cells[2]["message"] == "no luck with 2"
    assert "In call:\nfails(x = 2)" in cells[2]["text"]
    assert cells[2]["warnings"] == ["odd weight of 2"]
    for x, failure in cells.items():
        assert f"patient {x} \n€<ff>\n" in failure["console"]
        assert f"odd weight of {x}" in failure["console"]
        assert failure["console_bytes"] >= len(failure["console"])
    shown = larder(asked, "runs", str(run))
    assert f"run {run} of fails: partial" in shown
    assert "x=2 (RError)\n  no luck with 2\n" in shown
    assert "  warning: odd weight of 2\n" in shown
    assert "    patient 2 \n" in shown
    plain = json.loads(larder(asked, "runs", str(run), "--limit", "1", "--json"))
    assert (plain["failed"], len(plain["failed_cells"])) == (3, 1)


def test_what_r_said_of_a_failed_batch_of_rows_is_kept(client: httpx.Client) -> None:
    run = ask(client, "rows", only="all")
    assert wait_for(client, run, "partial")["failed"] == 2
    (batch,) = client.get(f"/v1/runs/{run}/cells?outcome=failed").json()["cells"]
    assert (batch["first_row"], batch["rows"]) == (2, 2)
    failure = batch["failure"]
    assert (failure["message"], failure["warnings"]) == ("no luck with row 4", ["odd rows"])
    assert failure["console"].startswith("[1] 3 4\n")
    computed = client.get(f"/v1/runs/{run}/cells?outcome=computed").json()["cells"]
    assert [cell["first_row"] for cell in computed] == [0, 4]


def test_runs_are_listed_by_job_and_status(client: httpx.Client, asked: Asked) -> None:
    asked.open(11)
    run = ask(client, "also", only="all")
    wait_for(client, run, "succeeded")
    assert client.get("/v1/runs?job=also&limit=1").json()["runs"] == [look(client, run)]
    found = client.get("/v1/jobs/also/runs?status=succeeded&status=failed").json()["runs"]
    assert run in [one["id"] for one in found]
    assert client.get("/v1/jobs/also/runs?status=running").json()["runs"] == []
    lines = larder(asked, "runs", "also", "--status", "succeeded").splitlines()
    assert lines[1].split()[:4] == [str(run), "also", "manual", "succeeded"]
    assert larder(asked, "runs", "follow", str(run)).startswith(f"run {run} of also: succeeded")


def test_what_cannot_be_run_is_refused(client: httpx.Client, asked: Asked) -> None:
    for job, wanted, status in (
        ("nothing", {}, 404),
        ("waits", {"where": {"x": 99}}, 400),
        ("waits", {"where": {"y": 1}}, 400),
        ("waits", {"whre": {}}, 400),
        ("waits", {"only": "odd"}, 400),
    ):
        answer = client.post(f"/v1/jobs/{job}/runs", json=wanted)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/v1/runs/999999", "/v1/runs/999999/cells", "/v1/runs/999999/events"):
        assert client.get(path).status_code == 404
    assert client.delete("/v1/runs/999999").status_code == 404
    assert client.get("/v1/jobs/nothing/runs").status_code == 404
    assert "did you mean 'waits'" in larder(asked, "runs", "wait", status=2)
    assert "which run?" in larder(asked, "runs", "cancel", status=2)


def test_interrupt_at_the_terminal_ends_what_the_servers_engine_does(
    client: httpx.Client, asked: Asked
) -> None:
    # Where tests run in the background, SIGINT is ignored from the start.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from larder.cli import main; main()"
    words = ["run", "waits", "--only", "all", "--project", str(asked.project)]
    asked.open(1)
    running = subprocess.Popen([sys.executable, "-c", program, *words], cwd=ROOT)
    child = asked.wait_for_begin(2)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    wait_until(lambda: has_ended(child))
    (run,) = client.get("/v1/jobs/waits/runs?limit=1").json()["runs"]
    assert (run["status"], run["error"]) == ("cancelled", "cancelled by Ctrl-C")
    assert (run["computed"], run["failed"]) == (1, 0)


def test_killed_server_goes_on_with_its_runs_and_begins_those_that_waited(
    client: httpx.Client, asked: Asked
) -> None:
    asked.open(1)
    run = ask(client, "waits", only="all")
    asked.wait_for_begin(2)
    waiting = ask(client, "waits", where={"x": 3}, only="missing")
    asked.server.kill()
    catalog = asked.catalog()
    assert [one.id for one in catalog.queued_runs()] == [waiting]
    catalog.close()
    asked.open(2, 3)
    asked.server.start()
    with asked.server.client() as again:
        ended = wait_for(again, run, "succeeded")
        assert ended["attempt"] == 2
        assert wait_for(again, waiting, "succeeded")["cause"] == "manual"
