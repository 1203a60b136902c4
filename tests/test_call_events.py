"""A call as it goes on: Server-Sent Events of its status and what it prints."""

from collections.abc import Iterator

import httpx
import pytest
from patience import Event, Patience, begin, events, printed, status, wait_for
from serving import wait_until

from api.call_events import whole_characters

pytestmark = pytest.mark.server

TEXT = "größer ≥ 10 €\r50 %\r100 % 🎉\nnext\n"


@pytest.fixture(scope="module")
def patience(tmp_path_factory: pytest.TempPathFactory) -> Patience:
    return Patience(tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
def client(patience: Patience) -> Iterator[httpx.Client]:
    with patience.served() as client:
        yield client


def follow(client: httpx.Client, key: str, last_id: int | None = None) -> Iterator[Event]:
    headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
    with client.stream("GET", f"/v1/calls/{key}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield from events(answer.iter_lines())


def test_stream_tells_of_a_call_from_its_queue_to_its_end(
    client: httpx.Client, patience: Patience
) -> None:
    gates = [patience.gate(f"before{number}") for number in range(2)]
    before = [begin(client, "waits", gate) for gate in gates]
    for gate in gates:
        gate.wait_for_begin()
    gate = patience.gate("told")
    key = begin(client, "waits", gate, say=f'"{TEXT}"')
    wait_until(lambda: status(client, key).get("position") == 1)
    seen = []
    for event in follow(client, key):
        seen.append(event)
        if event.name == "status" and event.data["status"] == "waiting":
            assert event.data["position"] == 1
            gates[0].open()
        elif event.name == "status":
            gate.wait_for_begin()
            gate.open()
    named = [event.name for event in seen if event.name != "console"]
    states = [event.data["status"] for event in seen if event.name != "console"]
    assert named == ["status", "status", "done"]
    assert states == ["waiting", "running", "done"]
    assert seen[-1].data == status(client, key)
    text = printed(seen)
    assert text.startswith("> waits(gate = ")
    assert f"\n{TEXT}ended\n" in text
    assert seen[-1].id == len(text.encode()) == seen[-1].data["console_bytes"]
    gates[1].open()
    for one in before:
        wait_for(client, one, "done")


def test_reader_who_comes_back_goes_on_where_it_was(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("resumed")
    gate.open()
    key = begin(client, "waits", gate)
    wait_for(client, key, "done")
    whole = printed(list(follow(client, key)))
    assert "\nbegun\nended\n" in whole
    rest = list(follow(client, key, last_id=6))
    assert printed(rest) == whole[6:]
    assert [event.name for event in follow(client, key, last_id=len(whole))] == ["done"]


def test_stream_of_a_failed_call_ends_with_why(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("unlucky")
    key = begin(client, "fails", gate)
    seen = []
    for event in follow(client, key):
        seen.append(event)
        gate.open()
    assert seen[-1].name == "failed"
    assert seen[-1].data["problem"]["detail"] == "no luck"
    assert "\nbegun\nended\n" in printed(seen)
    assert printed(seen).endswith("Error:\nno luck\n")


def test_text_comes_while_the_call_runs(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("live")
    key = begin(client, "waits", gate)
    for event in follow(client, key):
        if "begun" in event.data.get("text", ""):
            assert status(client, key)["status"] == "running"
            assert "begun" in status(client, key)["console"]
            gate.open()
    wait_for(client, key, "done")


def test_stream_of_a_cancelled_call_ends(client: httpx.Client, patience: Patience) -> None:
    gate = patience.gate("cancelled")
    key = begin(client, "waits", gate)
    seen = []
    for event in follow(client, key):
        seen.append(event)
        if event.data.get("status") == "running":
            assert client.delete(f"/v1/calls/{key}").status_code == 204
    assert (seen[-1].name, seen[-1].data["status"]) == ("failed", "cancelled")


def test_reader_who_goes_away_leaves_the_call_as_it_is(
    client: httpx.Client, patience: Patience
) -> None:
    gate = patience.gate("left")
    key = begin(client, "waits", gate)
    stream = follow(client, key)
    next(stream)
    stream.close()
    assert status(client, key)["status"] in ("waiting", "running")
    gate.open()
    wait_for(client, key, "done")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"", 0),
        (b"abc", 3),
        ("aé".encode(), 3),
        ("aé".encode()[:2], 1),
        ("€".encode()[:1], 0),
        ("€".encode()[:2], 0),
        ("x🎉".encode()[:4], 1),
        ("x🎉".encode(), 5),
        (b"a\xff", 2),
        (b"\x80\x80\x80\x80\x80", 5),
    ],
)
def test_text_is_cut_before_a_character_that_has_only_begun(text: bytes, whole: int) -> None:
    assert whole_characters(text) == whole
