"""Behind proxies: whose word counts, who the client is, and which names are answered to."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

import pytest
from doors import Answer, House, ask, house

from api.access_config import AccessConfig
from api.caller import caller_of
from api.client_address import Proxies, read_address
from api.hosts import Hosts
from jobs.role import Role

PROXIES = Proxies(tuple(ip_network(text) for text in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")))
FOR, HOST, PROTO = "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"


class Case(NamedTuple):
    """Headers from a peer, and whose request it is taken for."""

    headers: tuple[tuple[str, str], ...]
    client: str
    peer: str = "127.0.0.1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def asked(home: House, *headers: tuple[str, str], peer: str = "127.0.0.1") -> Answer:
    return ask(home.gate(AccessConfig(proxies=PROXIES)), "GET", "/v1/jobs", *headers, peer=peer)


CASES = [
    Case((), "127.0.0.1"),
    Case(((FOR, "192.0.2.7"),), "192.0.2.7"),
    Case(((FOR, "6.6.6.6, 192.0.2.7"),), "192.0.2.7"),
    Case(((FOR, "6.6.6.6"), (FOR, "192.0.2.7")), "192.0.2.7"),
    Case(((FOR, "6.6.6.6, 192.0.2.7, 10.1.1.1"),), "192.0.2.7"),
    Case(((FOR, "10.1.1.1, 10.2.2.2"),), "10.1.1.1"),
    Case(((FOR, "192.0.2.7:4711"),), "192.0.2.7"),
    Case(((FOR, " [2001:db8::7]:4711 "),), "2001:db8::7"),
    Case(((FOR, "2001:db8::7"),), "2001:db8::7"),
    Case(((FOR, "::ffff:192.0.2.7"),), "192.0.2.7"),
    Case(((FOR, "192.0.2.7, ::ffff:10.9.9.9"),), "192.0.2.7"),
    Case(((FOR, "6.6.6.6, unknown"),), "127.0.0.1"),
    Case(((FOR, "6.6.6.6, <script>"),), "127.0.0.1"),
    Case(((FOR, ""),), "127.0.0.1"),
    Case(((FOR, ",,,"),), "127.0.0.1"),
    Case(((FOR, "192.0.2.7"),), "6.6.6.6", "6.6.6.6"),
    Case(((FOR, "192.0.2.7"),), "192.0.2.7", "::ffff:127.0.0.1"),
    Case(((FOR, "192.0.2.7"),), "192.0.2.7", "fd00::1"),
    Case((("Forwarded", "for=192.0.2.7;proto=https"),), "192.0.2.7"),
    Case((("Forwarded", 'for="[2001:db8::7]:4711"'),), "2001:db8::7"),
    Case((("Forwarded", "for=6.6.6.6, for=192.0.2.7;by=10.1.1.1, for=10.1.1.1"),), "192.0.2.7"),
    Case((("Forwarded", "for=6.6.6.6, for=_hidden"),), "127.0.0.1"),
    Case((("Forwarded", 'for="6.6.6.6, for=192.0.2.7'),), "127.0.0.1"),
    Case((("Forwarded", "for=192.0.2.7"), (FOR, "192.0.2.7")), "192.0.2.7"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_client_is_the_rightmost_that_is_no_proxy(home: House, case: Case) -> None:
    answer = asked(home, *case.headers, peer=case.peer)
    assert answer.scope is not None
    assert answer.scope["client"][0] == case.client
    assert caller_of(answer.scope).address == case.client


@pytest.mark.parametrize("other", [(FOR, "192.0.2.7"), (HOST, "evil.example"), (PROTO, "https")])
def test_two_kinds_of_headers_count_only_if_they_agree(home: House, other: tuple[str, str]) -> None:
    assert asked(home, ("Forwarded", "for=6.6.6.6"), other).status == 400


def test_scheme_and_host_of_links_are_those_that_the_client_asked_for(home: House) -> None:
    headers = [(FOR, "192.0.2.7"), (PROTO, "https"), (HOST, "stats.example.com")]
    moved = ask(home.application(AccessConfig(proxies=PROXIES)), "GET", "/ocpu", *headers)
    assert moved.headers["location"] == "https://stats.example.com/ocpu/test"
    forwarded = ("Forwarded", "for=192.0.2.7;proto=https;host=stats.example.com")
    moved = ask(home.application(AccessConfig(proxies=PROXIES)), "GET", "/ocpu", forwarded)
    assert moved.headers["location"] == "https://stats.example.com/ocpu/test"
    unknown = ask(home.application(), "GET", "/ocpu", *headers)
    assert unknown.headers["location"] == "http://127.0.0.1:8080/ocpu/test"


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "[::1", "a:b:c", "%", "1.2.3.4:x y"])
def test_what_is_no_address_is_nobodys(text: str) -> None:
    assert read_address(text) is None


@pytest.mark.parametrize(
    "header", [("Forwarded", "for=6.6.6.6"), (FOR, "6.6.6.6"), (HOST, "a.example"), (PROTO, "http")]
)
def test_proxy_before_a_server_that_asks_nobody_is_told_what_to_do(
    home: House, header: tuple[str, str]
) -> None:
    alone = home.gate(AccessConfig(is_alone=True))
    refused = ask(alone, "GET", "/v1/jobs", header)
    assert refused.status == 403
    assert "larder keys add" in refused.body
    assert "proxies" in refused.body
    known = home.gate(AccessConfig(is_alone=True, proxies=PROXIES))
    assert ask(known, "GET", "/v1/jobs", (FOR, "192.0.2.7")).status == 200


NAMES = Hosts(frozenset({"stats.example.com", "*.lab.example.com"}))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("localhost", "localhost:8080", "LOCALHOST", "a.localhost:1")),
        *((host, 200) for host in ("127.0.0.1", "127.0.0.1:99", "127.9.9.9", "[::1]:8080")),
        *((host, 200) for host in ("stats.example.com", "Stats.Example.com.:443")),
        *((host, 200) for host in ("x.lab.example.com", "x.y.lab.example.com")),
        *((host, 421) for host in ("evil.example", "192.0.2.1", "[2001:db8::1]:80")),
        *((host, 421) for host in ("localhost.evil.example", "127.0.0.1.evil.example")),
        *((host, 421) for host in ("lab.example.com", "xstats.example.com", "192.0.2.0")),
        *((host, 400) for host in ("a b", "a/b", "a@b", "", "a:b", "a,b", "[::1", "é")),
    ],
)
def test_other_names_are_not_answered_to(home: House, host: str, status: int) -> None:
    gate = home.gate(AccessConfig(hosts_while_open=NAMES))
    answer = ask(gate, "GET", "/v1/jobs", host=host)
    assert answer.status == status
    assert status != 421 or "hosts" in answer.body


def test_name_that_a_proxy_was_asked_for_is_checked_too(home: House) -> None:
    gate = home.gate(AccessConfig(hosts_while_open=NAMES, proxies=PROXIES))
    assert ask(gate, "GET", "/v1/jobs", (HOST, "evil.example")).status == 421
    assert ask(gate, "GET", "/v1/jobs", (HOST, "stats.example.com")).status == 200


def test_request_has_one_host_unless_it_is_of_http_1_0(home: House) -> None:
    gate = home.gate(AccessConfig(hosts_while_open=NAMES))
    assert ask(gate, "GET", "/v1/jobs", host=None).status == 400
    assert ask(gate, "GET", "/v1/jobs", host=None, version="1.0").status == 200
    assert ask(gate, "GET", "/v1/jobs", ("Host", "localhost")).status == 400
    assert ask(gate, "GET", "/v1/jobs", host="evil.example", version="1.0").status == 421


def test_with_keys_any_name_is_answered_to_unless_some_are_named(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        key = home.key(Role.VIEWER)
        for hosts, status in ((Hosts(), 200), (NAMES, 421)):
            gate = home.gate(AccessConfig(hosts=hosts, hosts_while_open=NAMES))
            assert ask(gate, "GET", "/v1/jobs", key=key, host="evil.example").status == status


def test_what_is_no_browser_may_call_an_open_server_on_loopback_by_any_name(home: House) -> None:
    names = Hosts(frozenset(), of_browsers=True)
    gate = home.gate(AccessConfig(hosts_while_open=names))
    assert ask(gate, "GET", "/v1/jobs", host="data.example").status == 200
    for name in ("Accept-Language", "Referer", "Origin", "Cookie", "Sec-Fetch-Mode"):
        assert ask(gate, "GET", "/v1/jobs", (name, "x"), host="data.example").status == 421
