"""Attempts to keep a server from serving others: each refused, while others are answered."""

import asyncio
import gzip
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from serving import Server, wait_until
from sockets import Wire
from test_roles import make_project

from cache.clock import utcnow
from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role

pytestmark = pytest.mark.server

HIT = "/v1/results/doubled?x=1"
SLOW = "/ocpu/library/small/R/slow/json"
CALL = "/ocpu/library/small/R/doubled/json"
LATER = {"Prefer": "respond-async"}
MB = 2**20


@dataclass(frozen=True)
class Site:
    """A server that asks for keys, and those keys."""

    server: Server
    keys: dict[str, str]
    catalog: Catalog

    @property
    def url(self) -> str:
        return self.server.url

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[name]}"}

    def client(self, name: str = "", **options: Any) -> httpx.Client:
        headers = self.headers(name) if name else {}
        return httpx.Client(
            base_url=self.url, timeout=60, trust_env=False, headers=headers, **options
        )

    def head(self, name: str, path: str, method: str = "POST", *more: str) -> bytes:
        """The beginning of a request, without the empty line behind it."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"Authorization: Bearer {self.keys[name]}", *more]
        return "\r\n".join(lines).encode() + b"\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = make_project(tmp_path_factory.mktemp("limits") / "small")
    (project / ".larder").mkdir(mode=0o700)
    catalog = Catalog.in_file(project / ".larder" / "catalog.db")
    catalog.migrate()
    keys = {name: new_secret() for name in ("flooder", "other", "rated", "spender", "analyst")}
    for name, secret in keys.items():
        catalog.add_key(
            secret,
            name,
            Role.ANALYST if name == "analyst" else Role.CALLER,
            functions=["*::*"],
            rate="20/hour" if name == "rated" else None,
            r_seconds=0.2 if name == "spender" else None,
        )
    settings = {
        "access__failures": "5/minute",
        "access__concurrent": "2",
        "access__queue": "3",
        "access__body_limit": "1 MB",
        "access__patience": "1 second",
        "access__body_rate": "1 KB",
        "access__connections": "100",
        "engine__max_running": "3",
    }
    with Server(project, **settings) as server:
        made = Site(server, keys, catalog)
        with made.client("other") as client:
            wait_until(lambda: "; hit" in client.get(HIT).headers.get("cache-status", ""))
        yield made
    catalog.close()


@pytest.fixture(autouse=True)
def others_are_served(site: Site) -> Iterator[None]:
    """Whatever was tried: a prepared answer and a call of somebody else are there."""
    yield
    with site.client("other") as client:
        assert client.get(HIT).status_code == 200
        assert client.post(CALL, json={"x": 21}).json() == [42]


def flood(count: int, ask: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """The answers to so many requests at once."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(ask, range(count)))


def statuses(replies: list[httpx.Response]) -> Counter[int]:
    return Counter(reply.status_code for reply in replies)


def test_flood_of_requests_with_one_key_gets_no_more_than_its_rate(site: Site) -> None:
    with site.client("rated") as client:
        replies = [client.get(HIT) for _ in range(30)]
    assert statuses(replies) == {200: 20, 429: 10}
    first, last = replies[0].headers, replies[-1].headers
    assert first["ratelimit-policy"] == '"key";q=20;w=3600'
    assert first["ratelimit"].startswith('"key";r=19;')
    assert last["ratelimit"].startswith('"key";r=0;')
    assert 100 < int(last["retry-after"]) <= 180
    assert replies[-1].json()["type"].endswith("#rate-exceeded")
    with site.client("rated") as client:
        refused = client.post(CALL, json={"x": 1})
    assert (refused.status_code, refused.headers["content-type"]) == (
        429,
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize(
    "shown",
    [
        lambda _: {},
        lambda number: {"Authorization": f"Bearer larder_{number:040d}"},
        lambda _: {"Authorization": "Basic bGFyZGVyOmxhcmRlcg=="},
        lambda number: {"X-Forwarded-For": f"10.0.{number}.1"},
        lambda number: {"Forwarded": f"for=10.0.{number}.1", "X-Real-IP": f"10.0.{number}.1"},
    ],
    ids=["no key", "guessed keys", "guessed passwords", "forged addresses", "other headers"],
)
def test_requests_without_a_valid_key_are_soon_refused_whatever_they_say(
    site: Site, shown: Callable[[int], dict[str, str]]
) -> None:
    with site.client() as client:
        replies = [client.get(HIT, headers=shown(number)) for number in range(20)]
    assert set(statuses(replies)) <= {401, 429}
    assert statuses(replies)[429] >= 14
    assert int(replies[-1].headers["retry-after"]) >= 1


def test_right_key_is_served_from_an_address_that_guesses(site: Site) -> None:
    with site.client() as guessing, site.client("other") as client:
        for number in range(20):
            guessing.get(HIT, headers={"Authorization": f"Bearer guess{number}"})
            assert client.get(HIT).status_code == 200


def test_flood_of_calls_waits_within_its_bounds_and_is_told_for_how_long(site: Site) -> None:
    with site.client("flooder") as client:
        replies = flood(30, lambda number: client.post(SLOW, json={"x": 0.4 + number / 1e6}))
    assert set(statuses(replies)) == {201, 503}
    assert statuses(replies)[503] >= 15
    refused = [reply for reply in replies if reply.status_code == 503]
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    assert "with this key are waiting" in refused[0].text


def test_call_of_another_comes_through_a_flood_of_calls(site: Site) -> None:
    with site.client("flooder") as client, ThreadPoolExecutor(20) as threads:
        flooding = [
            threads.submit(client.post, SLOW, json={"x": 1 + number / 1e6}) for number in range(20)
        ]
        with site.client("other") as other:
            assert other.post(SLOW, json={"x": 0.01}).json() == [0.01]
        assert not all(call.done() for call in flooding)


def test_stuffing_the_queue_with_cells_is_refused_on_v1(site: Site) -> None:
    with site.client("flooder") as client, ThreadPoolExecutor(4) as threads:
        busy = [threads.submit(client.post, SLOW, json={"x": 2 + n / 1e6}) for n in range(4)]
        replies = flood(20, lambda n: client.get(f"/v1/results/doubled?x={100 + n}"))
        refused = [reply for reply in replies if reply.status_code == 503]
        assert refused
        assert refused[0].json()["type"].endswith("#asker-busy")
        assert int(refused[0].headers["retry-after"]) >= 1
        assert [call.result().status_code for call in busy].count(201) >= 1


def test_hoarded_promises_come_to_an_end(site: Site) -> None:
    with site.client("flooder") as client:
        replies = flood(40, lambda n: client.post(SLOW, json={"x": 3 + n / 1e6}, headers=LATER))
        assert set(statuses(replies)) <= {202, 503}
        promised = [reply.json()["key"] for reply in replies if reply.status_code == 202]
        states = [client.get(f"/v1/calls/{key}").json()["status"] for key in promised]
        assert sum(state in ("waiting", "running") for state in states) <= 5 * 2
        for key in promised:
            client.delete(f"/v1/calls/{key}")


def test_streams_of_events_are_so_many_and_no_more(site: Site) -> None:
    with site.client("flooder", limits=httpx.Limits(max_connections=200)) as client:
        key = client.post(SLOW, json={"x": 20}, headers=LATER).json()["key"]
        with ExitStack() as streams:
            opened = [
                streams.enter_context(client.stream("GET", f"/v1/calls/{key}/events"))
                for _ in range(80)
            ]
            found = Counter(reply.status_code for reply in opened)
            assert set(found) == {200, 429}
            assert found[200] <= 32 * 2  # of each worker
            with site.client("other") as other:
                assert other.post(CALL, json={"x": 4}).json() == [8]
        client.delete(f"/v1/calls/{key}")


def test_readers_of_events_who_read_nothing_hold_nobody_up(site: Site) -> None:
    with site.client("flooder") as client, ExitStack() as wires:
        key = client.post(SLOW, json={"x": 20}, headers=LATER).json()["key"]
        for _ in range(20):
            wire = wires.enter_context(Wire(site.url))
            wire.send(site.head("flooder", f"/v1/calls/{key}/events", "GET") + b"\r\n")
        with site.client("other") as other:
            assert other.post(CALL, json={"x": 5}).json() == [10]
        client.delete(f"/v1/calls/{key}")


def test_headers_that_come_a_letter_at_a_time_are_not_waited_for(site: Site) -> None:
    with Wire(site.url) as wire:
        wire.send(site.head("other", HIT, "GET"))
        wire.drip((b"X" for _ in range(200)), 0.1)
        assert wire.status() == 408


def test_slow_headers_on_a_connection_that_was_good_are_not_waited_for(site: Site) -> None:
    with Wire(site.url) as wire:
        wire.send(site.head("other", HIT, "GET") + b"\r\n")
        assert b" 200 " in wire.until(b"\r\n\r\n")
        wire.drip((b"G" if not n else b"" for n in range(200)), 0.1)
        assert b"408" in wire.rest()


def test_connection_that_says_nothing_is_closed(site: Site) -> None:
    with Wire(site.url) as wire:
        assert wire.rest() == b""


def test_headers_without_end_are_refused(site: Site) -> None:
    with Wire(site.url) as wire:
        wire.send(site.head("other", HIT, "GET"))
        for _ in range(100):
            wire.send(b"X-Long: " + b"x" * 8000 + b"\r\n")
        assert wire.status() in (0, 431)


@pytest.mark.parametrize("path", [CALL, "/v1/jobs/doubled/runs"])
def test_body_that_comes_too_slowly_is_not_waited_for(site: Site, path: str) -> None:
    with Wire(site.url) as wire:
        more = ("Content-Type: application/json", "Content-Length: 100000")
        wire.send(site.head("analyst", path, "POST", *more) + b"\r\n")
        wire.drip((b" " for _ in range(300)), 0.1)
        assert wire.status() in (403, 408)


def test_chunks_that_come_too_slowly_are_not_waited_for(site: Site) -> None:
    with Wire(site.url) as wire:
        more = ("Content-Type: application/json", "Transfer-Encoding: chunked")
        wire.send(site.head("other", CALL, "POST", *more) + b"\r\n")
        wire.drip((b"1\r\n \r\n" for _ in range(300)), 0.1)
        assert wire.status() == 408


def test_body_that_was_announced_and_never_comes_is_not_waited_for(site: Site) -> None:
    with Wire(site.url) as wire:
        more = ("Content-Type: application/json", "Content-Length: 9", "Expect: 100-continue")
        wire.send(site.head("other", CALL, "POST", *more) + b"\r\n")
        assert b" 408 " in wire.rest()


def test_body_longer_than_a_caller_may_send_is_refused_by_its_length(site: Site) -> None:
    with site.client("other") as client:
        assert client.post(CALL, content=b"[" + b" " * 2 * MB).status_code == 413
    with site.client("analyst") as client:
        posted = client.post(CALL, files={"x": ("x.csv", b"1\n" * MB)})
        assert posted.status_code != 413


def test_body_without_a_length_is_refused_once_it_is_too_long(site: Site) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 64 * 1024

    with site.client("other") as client:
        assert client.post(CALL, content=chunks()).status_code == 413
    with site.client("analyst") as client:
        assert client.request("GET", "/v1/jobs", content=chunks()).status_code == 413


@pytest.mark.parametrize("path", [CALL, "/v1/jobs"])
def test_compressed_body_is_refused_before_it_is_opened(site: Site, path: str) -> None:
    bomb = gzip.compress(b" " * 50 * MB)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    with site.client("other") as client:
        method = "POST" if path == CALL else "GET"
        assert client.request(method, path, content=bomb, headers=headers).status_code == 415


def test_idle_connections_by_the_thousand_make_room_for_others(site: Site) -> None:
    wanted = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted + 500, hard), hard))
    with ExitStack() as wires:
        for number in range(wanted):
            wire = wires.enter_context(Wire(site.url))
            if number % 2:
                wire.send(b"GET / HTTP/1.1\r\n")  # every other has begun a request
            if number % 200 == 0:
                with site.client("other") as client:
                    assert client.get(HIT).status_code == 200
        with site.client("other") as client:
            assert client.post(CALL, json={"x": 6}).json() == [12]


def test_pipelined_requests_are_answered_in_turn_and_hold_nobody_up(site: Site) -> None:
    with Wire(site.url) as wire:
        wire.send((site.head("flooder", HIT, "GET") + b"\r\n") * 500)
        with site.client("other") as client:
            assert client.get(HIT).status_code == 200
        wire.send(site.head("flooder", HIT, "GET", "Connection: close") + b"\r\n")
        assert wire.rest().count(b"HTTP/1.1 200 OK") == 501


def test_connections_dropped_in_the_middle_of_calls_free_what_they_held(site: Site) -> None:
    for _ in range(20):
        with Wire(site.url) as wire:
            more = ("Content-Type: application/json", "Content-Length: 9")
            wire.send(site.head("flooder", SLOW, "POST", *more) + b'\r\n{"x": 30}')
    with site.client("flooder") as client:
        wait_until(lambda: client.post(SLOW, json={"x": 0.02}).status_code == 201)


def test_who_had_their_seconds_of_r_waits_for_tomorrow_but_has_what_is_prepared(
    site: Site,
) -> None:
    with site.client("spender") as client:
        assert client.post(SLOW, json={"x": 0.3}).json() == [0.3]
        wait_until(lambda: client.post(SLOW, json={"x": 0.01}).status_code == 429)
        refused = client.post(CALL, json={"x": 1000})
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 86400
        miss = client.get("/v1/results/doubled?x=4711")
        assert (miss.status_code, miss.json()["title"]) == (429, "Too Many Requests")
        assert client.get(HIT).status_code == 200
    with site.client("other") as client:
        assert 'larder_r_seconds_today{key="spender"} 0.' in client.get("/metrics").text
    assert site.catalog.r_taken(utcnow().date())["spender"] > 0.3


def test_asking_at_once_by_many_connections_is_answered_or_refused_never_dropped(
    site: Site,
) -> None:
    async def asked() -> Counter[int]:
        limits = httpx.Limits(max_connections=30)
        async with httpx.AsyncClient(
            base_url=site.url, limits=limits, timeout=60, headers=site.headers("flooder")
        ) as client:
            replies = await asyncio.gather(*(client.get(HIT) for _ in range(120)))
        return statuses(list(replies))

    assert asyncio.run(asked()) == {200: 120}
