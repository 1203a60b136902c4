"""The audit around the application: what is written down of a request, and when."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from doors import House as Doors
from doors import house as doors_of
from starlette.types import Receive, Scope, Send

from api.audit_config import AuditConfig
from api.audit_layer import AuditLayer, begins
from api.auditing import Auditing
from api.entrance import Entrance
from engine.request_id import current_request
from jobs.access_key import new_secret
from jobs.audit_gatherer import AuditGatherer
from jobs.audit_record import AuditRecord
from jobs.audit_spool import AuditSpool
from jobs.key_book import COUNTER
from jobs.role import Role

HIT = [
    (b"etag", b'"abc"'),
    (b"cache-status", b"larder; hit; ttl=5"),
    (b"larder-job", b"weight_gain; version=v1"),
    (b"x-ocpu-session", b"x0123456789abcd"),
]
RESULT = "/v1/results/weight_gain?prewt=80&treatment=CBT"


class House:
    """A gate, and behind it an application that answers as it is told; around them the audit."""

    def __init__(self, doors: Doors) -> None:
        self.folder = doors.folder
        self.doors = doors
        self.catalog = doors.catalog
        self.spool = AuditSpool(doors.folder)
        self.entrance = Entrance.of(doors.services(), doors.catalog)
        self.status, self.headers, self.body = 200, HIT, b"1"
        self.before: Callable[[], None] = lambda: None
        self.seen: list[str] = []

    def app(self, *, slow: bool = False, **config: Any) -> AuditLayer:
        inner = begins(self.answer) if slow else self.answer
        return AuditLayer(self.entrance.gate(inner), Auditing(self.spool, AuditConfig(**config)))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        self.seen.append(current_request())
        self.before()
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})

    def ask(self, app: AuditLayer, method: str, url: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 5), raise_app_exceptions=False)

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, url, **options)

        return anyio.run(asked)

    def lines(self) -> list[dict[str, Any]]:
        paths = sorted((self.folder / "audit").glob("*.spool"))
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]

    def records(self) -> list[AuditRecord]:
        AuditGatherer(self.folder, self.catalog).gather()
        return [row.record for row in self.catalog.audit_since(0)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with doors_of(tmp_path) as doors:
        made = House(doors)
        yield made
        made.spool.close()


def test_hit_is_on_record_with_what_was_answered(house: House) -> None:
    answer = house.ask(house.app(), "GET", RESULT)
    [record] = house.records()
    assert record.values() | {"at": None, "duration_us": None, "arguments_digest": None} == {
        **dict.fromkeys(record.values()),
        "operation": "read",
        "outcome": "done",
        "caller": "",
        "role": "admin",
        "address": "192.0.2.7",
        "method": "GET",
        "target": "/v1/results/weight_gain",
        "job": "weight_gain",
        "answer": '"abc"',
        "session_key": "x0123456789abcd",
        "version": "v1",
        "cache": "hit",
        "status": 200,
        "request_id": answer.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("headers", "method", "use"),
    [
        ([(b"cache-status", b"larder; hit; ttl=-5; detail=stale")], "GET", "stale"),
        ([(b"cache-status", b"larder; fwd=miss; stored; ttl=5")], "GET", "miss"),
        ([(b"x-ocpu-session", b"x0123456789abcd")], "POST", "run"),
        ([], "GET", "none"),
    ],
)
def test_where_an_answer_came_from_is_on_record(
    house: House, headers: list[tuple[bytes, bytes]], method: str, use: str
) -> None:
    house.headers = headers
    house.ask(house.app(), method, RESULT)
    assert [record.cache for record in house.records()] == [use]


def test_line_is_there_before_the_answer_leaves(house: House) -> None:
    counts = []

    async def asked() -> None:
        async def send(message: Any) -> None:
            counts.append((message["type"], len(house.lines())))

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/results/x",
            "query_string": b"",
            "raw_path": b"/v1/results/x",
            "headers": [(b"host", b"localhost")],
            "client": None,
        }
        await house.app()(scope, receive, send)

    anyio.run(asked)
    assert counts == [("http.response.start", 1), ("http.response.body", 1)]


def test_request_that_may_take_long_is_on_record_when_it_begins(house: House) -> None:
    found: list[dict[str, Any]] = []
    house.before = lambda: found.extend(house.lines())
    house.ask(house.app(slow=True), "GET", RESULT)
    assert [line["begun"] for line in found] == [True]
    assert [record.outcome for record in house.records()] == ["done"]


def test_same_arguments_have_one_digest_however_they_are_sent(house: House) -> None:
    url = "/ocpu/library/scoring/R/gain"
    app = house.app(text=True)
    house.ask(app, "POST", url, data={"prewt": "80", "treatment": '"CBT"'})
    house.ask(app, "POST", url, data={"treatment": '"CBT"', "prewt": "80"})
    house.ask(app, "POST", url, json={"treatment": "CBT", "prewt": 80})
    house.ask(app, "POST", f"{url}?prewt=80", json={"treatment": "CBT"})
    house.ask(app, "POST", url, json={"treatment": "CBT", "prewt": 81})
    found = [record.arguments_digest for record in house.records()]
    assert len(set(found[:4])) == 1
    assert found[4] != found[0]
    assert house.records()[0].arguments == '[["prewt","80"],["treatment","\\"CBT\\""]]'


def test_text_of_arguments_is_kept_only_where_it_is_asked_for(house: House) -> None:
    house.ask(house.app(), "GET", RESULT)
    house.ask(house.app(text=True), "GET", RESULT)
    first, second = house.records()
    assert first.arguments is None
    assert "CBT" in (second.arguments or "")
    assert first.arguments_digest == second.arguments_digest


def test_large_and_other_bodies_count_by_their_bytes(house: House) -> None:
    app = house.app()
    for content in (b"a" * 200_000, b"b" * 200_000, b"a" * 200_000, b"\xff\x00"):
        house.ask(app, "POST", "/ocpu/library/x/R/y", content=content)
    found = [record.arguments_digest for record in house.records()]
    assert found[0] == found[2]
    assert len(set(found)) == 3


def test_health_pages_and_their_files_are_not_calls(house: House) -> None:
    for path in ("/healthz", "/docs", "/static/a.js", "/openapi.json", "/ocpu/test/"):
        assert house.ask(house.app(), "GET", path).status_code == 200
        assert house.ask(house.app(slow=True), "GET", path).status_code == 200
    assert house.records() == []


def test_hits_are_left_out_where_that_is_asked_for(house: House) -> None:
    app = house.app(hits=False)
    house.ask(app, "GET", RESULT)
    house.status, house.headers = 403, []
    house.ask(app, "GET", RESULT)
    house.status = 200
    house.ask(app, "GET", RESULT)
    assert [record.outcome for record in house.records()] == ["refused", "done"]


def test_who_was_refused_and_why_is_on_record(house: House) -> None:
    secret, other = new_secret(), new_secret()
    made = house.catalog.add_key(secret, "shop", Role.VIEWER, jobs=["churn"])
    house.doors.pantry.generations.bump(COUNTER)
    app = house.app()
    for key in (None, other, secret):
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        house.ask(app, "GET", RESULT, headers=headers)
    found = [(one.status, one.caller, one.key_id, one.role, one.detail) for one in house.records()]
    assert found == [
        (401, "", None, None, "KeyMissing"),
        (401, "", None, None, "KeyWrong"),
        (403, "shop", made.id, "viewer", "Forbidden"),
    ]
    assert {record.outcome for record in house.records()} == {"refused"}


def test_application_that_breaks_is_on_record(house: House) -> None:
    def fail() -> None:
        raise ValueError

    house.before = fail
    assert house.ask(house.app(), "GET", RESULT).status_code == 500
    assert house.ask(house.app(slow=True), "GET", RESULT).status_code == 500
    assert [(one.status, one.outcome) for one in house.records()] == [(500, "failed")] * 2


def test_client_that_goes_away_is_on_record(house: House) -> None:
    async def leaving(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def asked() -> None:
        async def messages() -> AsyncIterator[Any]:
            yield {"type": "http.request", "body": b"n=1", "more_body": True}
            yield {"type": "http.disconnect"}

        stream = messages()
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/ocpu/library/x/R/y",
            "headers": [],
            "raw_path": b"/ocpu/library/x/R/y",
            "query_string": b"",
            "client": ("::1", 1),
        }
        layer = AuditLayer(begins(leaving), Auditing(house.spool, AuditConfig()))
        await layer(scope, stream.__anext__, None)  # type: ignore[arg-type]

    anyio.run(asked)
    assert [(one.status, one.outcome) for one in house.records()] == [(None, "gone")]


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("path", [RESULT, "/ocpu/library/x/R/y"])
def test_nothing_is_answered_that_cannot_be_put_on_record_where_that_is_required(
    house: House, path: str, *, slow: bool
) -> None:
    (house.folder / "audit").write_text("in the way")
    refused = house.ask(house.app(slow=slow, required=True), "GET", path)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert "put on record" in refused.text
    assert len(house.seen) == (0 if slow else 1)
    assert house.ask(house.app(slow=slow), "GET", path).status_code == 200
    assert house.ask(house.app(required=True), "GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1.2:3/4+5=6@7", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("-x", False),
        ("a b", False),
        ("a\tb", False),
        ('a"b', False),
        ("a\xffb", False),
        ("larder_" + "k" * 40, False),
    ],
)
def test_harmless_request_id_is_taken_over(house: House, given: str, *, kept: bool) -> None:
    headers = {"X-Request-ID": given.encode("latin-1")}
    told = house.ask(house.app(), "GET", RESULT, headers=headers).headers["x-request-id"]
    assert (told == given) is kept
    assert [record.request_id for record in house.records()] == [told] == house.seen


def test_made_request_ids_differ(house: House) -> None:
    apps = [house.app(), house.app()]
    told = {house.ask(app, "GET", RESULT).headers["x-request-id"] for app in apps * 3}
    assert len(told) == 6


def test_keys_in_path_and_query_are_not_on_record(house: House) -> None:
    key, house.headers = new_secret(), []
    house.ask(house.app(text=True), "GET", f"/v1/jobs/{key}?key={key}&note=my+{key}")
    assert key not in json.dumps(house.lines())
    [record] = house.records()
    assert record.target == "/v1/jobs/larder_[hidden]"
    assert record.job == "larder_[hidden]"
