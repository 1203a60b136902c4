"""Calls under way: listed, cancelled, and ended when nobody waits for them any more."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from patience import Patience, begin, has_ended, status, url, wait_for
from serving import wait_until
from typer.testing import CliRunner

from larder.cli import app

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def patience(tmp_path_factory: pytest.TempPathFactory) -> Patience:
    return Patience(tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="module")
def served(patience: Patience) -> Iterator[httpx.Client]:
    with patience.served() as client:
        yield client


@pytest.fixture
def client(served: httpx.Client, patience: Patience) -> Iterator[httpx.Client]:
    """A client, after whose test no call is left."""
    yield served
    patience.open_all()
    wait_until(lambda: listed(served) == {})


def listed(client: httpx.Client) -> dict[str, dict[str, object]]:
    return {one["key"]: one for one in client.get("/v1/calls").json()["calls"]}


def test_list_has_what_waits_and_what_runs(client: httpx.Client, patience: Patience) -> None:
    assert listed(client) == {}
    gates = [patience.gate(f"listed{number}") for number in range(4)]
    keys = []
    for gate in gates:
        keys.append(begin(client, "waits", gate))
        wait_until(lambda: keys[-1] in listed(client))
    for gate in gates[:2]:
        gate.wait_for_begin()
    seen = listed(client)
    assert list(seen) == keys
    assert [one["status"] for one in seen.values()] == ["running"] * 2 + ["waiting"] * 2
    assert [one["position"] for one in seen.values()] == [None, None, 1, 2]
    assert {one["function"] for one in seen.values()} == {"patient::waits"}
    assert status(client, keys[3])["position"] == 2
    for gate in gates:
        gate.open()
    for key in keys:
        wait_for(client, key, "done")
    assert listed(client) == {}


def test_cancel_ends_a_call_and_all_that_it_started(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("cancelled")
    key = begin(client, "spawns", gate)
    pid, child = gate.wait_for_begin(), gate.child()
    assert not has_ended(child)
    assert client.delete(f"/v1/calls/{key}").status_code == 204
    wait_until(lambda: has_ended(pid) and has_ended(child))
    ended = status(client, key)
    assert ended["status"] == "cancelled"
    assert ended["problem"]["type"] == "/docs/problems#call-cancelled"
    assert (ended["session"], ended["result_url"]) == (None, None)
    assert client.get(f"/ocpu/tmp/{key}/").status_code == 404
    again = client.delete(f"/v1/calls/{key}")
    assert (again.status_code, again.json()["type"]) == (409, "/docs/problems#call-ended")


def test_cancel_in_the_queue_starts_no_r(client: httpx.Client, patience: Patience) -> None:
    gates = [patience.gate(f"queued{number}") for number in range(3)]
    keys = []
    for gate in gates:
        keys.append(begin(client, "waits", gate))
        wait_until(lambda: keys[-1] in listed(client))
    for gate in gates[:2]:
        gate.wait_for_begin()
    assert client.delete(f"/v1/calls/{keys[2]}").status_code == 204
    assert status(client, keys[2])["status"] == "cancelled"
    for gate in gates:
        gate.open()
    for key in keys[:2]:
        wait_for(client, key, "done")
    assert not gates[2].has_begun


def test_who_waits_for_a_cancelled_call_is_told(client: httpx.Client, patience: Patience) -> None:
    plain, kept = patience.gate("told"), patience.gate("told_kept")
    with ThreadPoolExecutor(2) as threads, patience.server.client() as other:
        text = threads.submit(other.post, url("waits"), data={"gate": f"'{plain}'"})
        problem = threads.submit(other.get, "/v1/results/kept", params={"gate": str(kept)})
        for gate in (plain, kept):
            gate.wait_for_begin()
        for key in listed(client):
            assert client.delete(f"/v1/calls/{key}").status_code == 204
            wait_for(client, key, "cancelled")
        assert (text.result().status_code, text.result().text) == (409, "the call was cancelled\n")
        assert problem.result().status_code == 409
        assert problem.result().headers["content-type"] == "application/problem+json"
        assert problem.result().json()["type"] == "/docs/problems#call-cancelled"
    nothing = {"Cache-Control": "only-if-cached"}
    answer = client.get("/v1/results/kept", params={"gate": str(kept)}, headers=nothing)
    assert answer.status_code == 504


def test_cancel_of_a_promise_leaves_the_call_that_it_shares(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("left")
    first = begin(client, "kept", gate)
    gate.wait_for_begin()
    second = begin(client, "kept", gate)
    assert client.delete(f"/v1/calls/{second}").status_code == 204
    assert status(client, second)["status"] == "cancelled"
    gate.open()
    wait_for(client, first, "done")
    assert status(client, second)["status"] == "cancelled"


@pytest.mark.parametrize("key", ["x0123456789abcd", "nothing", "..%2fresults"])
def test_unknown_call_is_a_404(client: httpx.Client, key: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
        answer = client.request(method, f"/v1/calls/{key}{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_removed_session_takes_its_call_along(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("removed")
    gate.open()
    key = begin(client, "waits", gate)
    wait_for(client, key, "done")
    assert client.delete(f"/v1/calls/{key}").status_code == 409
    assert client.delete(f"/ocpu/tmp/{key}").status_code == 200
    assert client.get(f"/v1/calls/{key}").status_code == 404


def test_client_that_goes_away_ends_its_call(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("left_call")
    pid = patience.hang_up("POST", url("spawns"), gate)
    wait_until(lambda: has_ended(pid) and has_ended(gate.child()))
    wait_until(lambda: listed(client) == {})


def test_client_that_goes_away_ends_its_read(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("left_read")
    made = client.post(url("slow_to_print"), data={"gate": f"'{gate}'"})
    key = made.headers["x-ocpu-session"]
    pid = patience.hang_up("GET", f"/ocpu/tmp/{key}/R/.val/print", gate)
    wait_until(lambda: has_ended(pid))
    wait_until(lambda: listed(client) == {})


@pytest.mark.parametrize("door", ["ocpu", "v1", "row"])
def test_call_that_the_cache_wants_outlives_its_client(
    client: httpx.Client, patience: Patience, door: str
) -> None:
    gate = patience.row_gates[1] if door == "row" else patience.gate(f"wanted_{door}")
    query = "rows?id=1" if door == "row" else f"kept?gate={gate}"
    if door == "ocpu":
        pid = patience.hang_up("POST", url("kept", "/json"), gate)
    else:
        pid = patience.hang_up("GET", f"/v1/results/{query}", gate)
    other = patience.gate(f"beside_{door}")
    left = patience.hang_up("POST", url("waits"), other)
    wait_until(lambda: has_ended(left))  # so the first would have ended, too
    assert not has_ended(pid)
    gate.open()
    stored = {"Cache-Control": "only-if-cached"}
    path = f"/v1/results/{query}"
    wait_until(lambda: client.get(path, headers=stored).status_code == 200)


def test_late_answer_needs_no_client(client: httpx.Client, patience: Patience) -> None:
    gate, other = patience.gate("alone"), patience.gate("beside_alone")
    with patience.server.client() as gone:
        key = begin(gone, "waits", gate)
    left = patience.hang_up("POST", url("waits"), other)
    wait_until(lambda: has_ended(left))
    assert status(client, key)["status"] == "running"
    gate.open()
    wait_for(client, key, "done")


def larder(patience: Patience, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["calls", *words, "--project", str(patience.project)])
    return result.exit_code, result.output


def test_command_shows_and_cancels_calls(client: httpx.Client, patience: Patience) -> None:
    assert larder(patience) == (0, "no call waits or runs\n")
    gate = patience.gate("command")
    key = begin(client, "waits", gate)
    pid = gate.wait_for_begin()
    code, shown = larder(patience)
    assert code == 0
    assert key in shown
    assert "patient::waits" in shown
    assert f"process {pid}" in shown
    found = json.loads(larder(patience, "--json")[1])["calls"]
    assert [(one["key"], one["pid"]) for one in found] == [(key, pid)]
    assert larder(patience, "cancel", key) == (0, f"{key} is cancelled\n")
    wait_until(lambda: has_ended(pid))
    wait_for(client, key, "cancelled")
    assert larder(patience, "cancel", key)[0] == 1
    assert larder(patience, "cancel")[0] == 2


def test_openapi_describes_calls_and_late_answers(client: httpx.Client) -> None:
    api = client.get("/openapi.json").json()

    def schema(path: str, status: str) -> str:
        content = api["paths"][path]["get"]["responses"][status]["content"]
        return str(content["application/json"]["schema"]["$ref"].rpartition("/")[2])

    assert schema("/v1/results/{job}", "202") == "Accepted"
    assert schema("/v1/calls", "200") == "CallsUnderWay"
    assert schema("/v1/calls/{key}", "200") == "CallDocument"
    assert schema("/v1/calls/{key}", "404") == "ProblemDocument"
    events = api["paths"]["/v1/calls/{key}/events"]["get"]["responses"]["200"]["content"]
    assert list(events) == ["text/event-stream"]
