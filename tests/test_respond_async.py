"""Prefer: respond-async: 202 and a status, and the answer where any other would be."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from patience import LATER, Patience, begin, status, url, wait_for

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def patience(tmp_path_factory: pytest.TempPathFactory) -> Patience:
    return Patience(tmp_path_factory.mktemp("later"))


@pytest.fixture(scope="module")
def client(patience: Patience) -> Iterator[httpx.Client]:
    with patience.served() as client:
        yield client


def test_call_is_accepted_and_its_answer_comes_later(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("accepted")
    form = {"gate": f"'{gate}'"}
    accepted = client.post(url("waits", "/json"), data=form, headers=LATER)
    body = accepted.json()
    key = body["key"]
    assert accepted.status_code == 202
    assert accepted.headers["location"] == body["status_url"] == f"/v1/calls/{key}"
    assert accepted.headers["preference-applied"] == "respond-async"
    assert accepted.headers["retry-after"].isdecimal()
    assert accepted.headers["cache-control"] == "no-store"
    assert accepted.headers["access-control-allow-origin"] == "*"
    assert body == {
        "key": key,
        "status": "waiting",
        "status_url": f"/v1/calls/{key}",
        "events_url": f"/v1/calls/{key}/events",
        "result_url": f"/ocpu/tmp/{key}/R/.val/json",
    }
    gate.wait_for_begin()
    running = wait_for(client, key, "running")
    assert running["function"] == "patient::waits"
    assert running["running_s"] >= 0
    assert client.get(body["result_url"]).status_code == 404
    gate.open()
    done = wait_for(client, key, "done")
    assert done["result_url"] == body["result_url"]
    assert done["session"] == f"/ocpu/tmp/{key}/"
    assert done["ended_at"] > done["began_at"]
    assert done["console"].count("\nbegun\nended\n") == 1
    assert client.get(done["result_url"]).json() == ["accepted"]


@pytest.mark.parametrize(
    ("output", "address"),
    [
        ("", ""),
        ("/json?digits=8", "R/.val/json?digits=8"),
        ("/print", "R/.val/print"),
        ("/console", "console/text"),
        ("/png", "graphics/last/png"),
        ("/file", ""),
    ],
)
def test_answer_is_where_its_format_is_in_the_session(
    client: httpx.Client, output: str, address: str
) -> None:
    answer = client.post(f"/ocpu/library/graphics/R/plot.new{output}", headers=LATER)
    key = answer.json()["key"]
    done = wait_for(client, key, "done")
    assert done["result_url"] == f"/ocpu/tmp/{key}/{address}"
    assert client.get(done["result_url"]).status_code == 200


def test_key_of_a_late_answer_chains_like_any_other(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("chained")
    key = begin(client, "waits", gate)
    early = client.post("/ocpu/library/base/R/nchar/json", data={"x": key})
    assert (early.status_code, early.text) == (400, f"Session not found: {key}\n")
    gate.open()
    wait_for(client, key, "done")
    chained = client.post("/ocpu/library/base/R/nchar/json", data={"x": key})
    assert chained.json() == [len("chained")]
    again = begin_of_session(client, key)
    wait_for(client, again, "done")
    assert client.get(f"/ocpu/tmp/{again}/R/.val/json").json() == ["chained"]


def begin_of_session(client: httpx.Client, key: str) -> str:
    """Calls a function that a session holds, for later."""
    gate = client.get(f"/ocpu/tmp/{key}/source/text").text.partition('gate = "')[2]
    path = gate.partition('"')[0]
    answer = client.post(f"/ocpu/tmp/{key}/R/waits", data={"gate": f"'{path}'"}, headers=LATER)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["key"])


def test_answer_that_is_soon_there_is_given_at_once(client: httpx.Client) -> None:
    answer = client.post(
        "/ocpu/library/base/R/sum/json",
        data={"x": "1:3"},
        headers={"Prefer": "respond-async, wait=60"},
    )
    assert (answer.status_code, answer.json()) == (201, [6])
    assert "preference-applied" not in answer.headers


def test_answer_that_is_not_there_in_time_comes_later(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("in_time")
    answer = client.post(
        url("waits"), data={"gate": f"'{gate}'"}, headers={"Prefer": "wait=1, respond-async"}
    )
    assert answer.status_code == 202
    gate.open()
    wait_for(client, answer.json()["key"], "done")


@pytest.mark.parametrize(
    ("path", "status_code"),
    [
        ("/ocpu/library/patient/nothing", 400),
        ("/ocpu/nowhere", 404),
        ("/ocpu/tmp/x0123456789abcd/R/f", 404),
        ("/ocpu/library/MASS/scripts/none.R", 400),
    ],
)
def test_what_is_no_call_is_answered_as_usual(
    client: httpx.Client, path: str, status_code: int
) -> None:
    assert client.post(path, headers=LATER).status_code == status_code


def test_upload_outlives_the_request_that_brought_it(client: httpx.Client) -> None:
    content = "x\n" + "1\n" * 1_000_000  # more than is kept in memory
    files = {"file": ("numbers.csv", content)}
    answer = client.post("/ocpu/library/utils/R/read.csv", files=files, headers=LATER)
    key = answer.json()["key"]
    wait_for(client, key, "done")
    assert client.post("/ocpu/library/base/R/nrow/json", data={"x": key}).json() == [1_000_000]


def test_script_is_run_later_too(client: httpx.Client) -> None:
    files = {"x": ("two.R", "print(1 + 1)\n")}
    held = client.post("/ocpu/library/base/R/identity", files=files).headers["x-ocpu-session"]
    answer = client.post(f"/ocpu/tmp/{held}/files/two.R", headers=LATER)
    key = answer.json()["key"]
    done = wait_for(client, key, "done")
    assert done["session"] == f"/ocpu/tmp/{key}/"
    assert "[1] 2" in done["console"]


def test_result_that_is_not_there_comes_later_and_is_kept(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("result")
    path = f"/v1/results/kept?gate={gate}"
    accepted = client.get(path, headers=LATER)
    assert accepted.status_code == 202
    body = accepted.json()
    gate.wait_for_begin()
    assert wait_for(client, body["key"], "running")["function"] == "patient::kept"
    gate.open()
    done = wait_for(client, body["key"], "done")
    found = client.get(done["result_url"])
    assert found.json() == [{"gate": "result"}]
    assert found.headers["cache-status"].startswith("larder; hit")
    assert done["session"] == f"/ocpu/tmp/{body['key']}/"
    assert client.get(path, headers=LATER).status_code == 200  # it is there


def test_row_that_is_not_there_comes_later(client: httpx.Client, patience: Patience) -> None:
    gate = patience.row_gates[0]
    accepted = client.get("/v1/results/rows?id=0", headers=LATER)
    assert accepted.status_code == 202
    key = accepted.json()["key"]
    gate.wait_for_begin()
    wait_for(client, key, "running")
    gate.open()
    done = wait_for(client, key, "done")
    assert (done["session"], done["result_url"]) == (None, "/v1/results/rows?id=0")
    assert client.get(done["result_url"]).json() == {"id": 0, "score": len(str(gate))}


def test_promises_of_the_same_answer_share_one_evaluation(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("shared")
    first = begin(client, "kept", gate)
    gate.wait_for_begin()
    calls = client.get("/readyz").json()["calls"]
    keys = [first]
    for _ in range(6):  # of either worker
        with patience.server.client() as other:
            keys.append(begin(other, "kept", gate, "/json"))
    assert len(set(keys)) == 7
    assert status(client, keys[-1])["status"] == "waiting"
    assert status(client, keys[-1])["result_url"] is None
    gate.open()
    documents = [wait_for(client, key, "done") for key in keys]
    assert {one["session"] for one in documents} == {f"/ocpu/tmp/{first}/"}
    assert client.get(documents[-1]["result_url"]).json() == [{"gate": "shared"}]
    assert client.get("/readyz").json()["calls"] == calls + 1  # the look at the value just now


def test_error_of_r_is_a_failed_call_with_its_session(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("unlucky")
    gate.open()
    key = begin(client, "fails", gate)
    failed = wait_for(client, key, "failed")
    assert failed["problem"]["type"] == "/docs/problems#call-failed"
    assert (failed["problem"]["status"], failed["problem"]["detail"]) == (422, "no luck")
    assert failed["session"] == f"/ocpu/tmp/{key}/"
    assert failed["console"].count("\nbegun\nended\n") == 1


def test_call_that_ends_without_a_session_is_still_told_of(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("dead")
    gate.open()
    died = wait_for(client, begin(client, "dies", gate), "failed")
    assert died["problem"]["type"] == "/docs/problems#worker-died"
    assert (died["session"], died["result_url"]) == (None, None)
    refused = client.post("/ocpu/library/base/R/sum", data={"x": "1 +"}, headers=LATER)
    document = wait_for(client, refused.json()["key"], "failed")
    assert document["problem"]["status"] == 400
    assert document["problem"]["detail"]
    missing = client.post("/ocpu/library/patient/R/nothing", headers=LATER).json()["key"]
    assert wait_for(client, missing, "failed")["problem"]["status"] == 400


def test_every_worker_knows_every_call(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("known")
    key = begin(client, "waits", gate)
    gate.wait_for_begin()

    def seen() -> set[str]:
        found = set()
        for _ in range(8):
            with patience.server.client() as other:  # its own connection: either worker's
                found.add(status(other, key)["status"])
        return found

    assert seen() == {"running"}
    gate.open()
    wait_for(client, key, "done")
    assert seen() == {"done"}


def test_promise_is_kept_or_broken_over_a_restart(tmp_path: Path) -> None:
    patience = Patience(tmp_path)
    done, open_ = patience.gate("done"), patience.gate("open")
    done.open()
    with patience.served() as client:
        kept = begin(client, "waits", done)
        wait_for(client, kept, "done")
        refused = client.post("/ocpu/library/base/R/sum", data={"x": "1 +"}, headers=LATER)
        failed = refused.json()["key"]
        wait_for(client, failed, "failed")
        stopped = begin(client, "waits", open_)
        pid = open_.wait_for_begin()
        patience.server.stop()
    with patience.served() as client:
        assert status(client, kept)["status"] == "done"
        assert status(client, failed)["status"] == "failed"
        broken = status(client, stopped)
        assert broken["status"] == "failed"
        assert broken["problem"]["type"] == "/docs/problems#call-interrupted"
        killed = begin(client, "kept", patience.gate("never"))
        patience.gate("never").wait_for_begin()
        patience.server.kill()
    with patience.served() as client:
        broken = wait_for(client, killed, "failed")
        assert broken["problem"]["type"] == "/docs/problems#call-interrupted"
    assert not Path(f"/proc/{pid}").exists()
