"""Attempts to get past the gate: forged keys, smuggled paths and headers, forged names and pages.

Each comes over a socket, as an attacker would send it, to a server that runs; each is refused with
its own status, and the next honest request is answered.
"""

import base64
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from serving import Server, copy_example
from test_access_keys import larder, statuses

pytestmark = pytest.mark.server

CLOSED = 0
"""The server closed the connection without an answer."""
ADMIN_ONLY = "/v1/keys"
EVIL = "https://evil.example"


class Attempt(NamedTuple):
    """What is sent, and which status refuses it; `{key}` and others stand for keys."""

    name: str
    lines: str
    status: int | tuple[int, ...]
    body: str = ""

    def __str__(self) -> str:
        return self.name


class Keys(NamedTuple):
    """Texts of keys: of an administrator, a viewer, and two that open nothing any more."""

    admin: str
    viewer: str
    revoked: str
    expired: str


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Keys]]:
    """A server that asks for keys."""
    project = copy_example(tmp_path_factory.mktemp("closed"))
    (project / "larder.yaml").write_text("name: scoring\nschedule: {enabled: false}\n")
    made = [
        larder(project, "keys", "add", name, "--role", role, "-q", *more).out.strip()
        for name, role, *more in (
            ("boss", "admin"),
            ("wall", "viewer"),
            ("gone", "admin"),
            ("old", "admin", "--expires", "1 second"),
        )
    ]
    larder(project, "keys", "revoke", "gone")
    with Server(project) as server:
        yield server, Keys(*made)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on loopback that asks nobody."""
    project = copy_example(tmp_path_factory.mktemp("opened"))
    (project / "larder.yaml").write_text("name: scoring\nschedule: {enabled: false}\n")
    with Server(project) as server:
        yield server


def exchange(server: Server, request: bytes) -> tuple[int, str]:
    """Sends bytes; returns the status of the first answer, and all that came back."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        wire.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer and (part := wire.recv(65536)):
            answer += part
        wire.settimeout(0.2)  # what was smuggled would be answered behind it
        try:
            while part := wire.recv(65536):
                answer += part
        except TimeoutError:
            pass
    text = answer.decode("latin-1")
    return (int(text.split()[1]) if text.startswith("HTTP/") else CLOSED), text


def request_of(attempt: Attempt, keys: Keys | None, port: str) -> bytes:
    text = attempt.lines.strip("\n")
    admin = keys.admin if keys else "larder_none"
    values = {
        "key": admin,
        "viewer": keys.viewer if keys else "",
        "revoked": keys.revoked if keys else "",
        "expired": keys.expired if keys else "",
        "short": admin[:-1],
        "upper": admin.upper(),
        "wrong": admin[:-1] + ("a" if admin[-1] != "a" else "b"),
        "once": base64.b64encode(admin.encode()).decode(),
        "twice": base64.b64encode(base64.b64encode(b"x:" + admin.encode())).decode(),
        "seven": admin.encode("utf-7").decode().replace("_", "+AF8-"),
        "wide": base64.b64encode(f"x:{admin}".encode("utf-16")).decode(),
        "escaped": "".join(f"%{ord(character):02X}" for character in admin),
        "port": port,
    }
    head = text.format(**values).replace("\n", "\r\n")
    if "host:" not in head.lower() and "no-host" not in attempt.name:
        first, _, rest = head.partition("\r\n")
        head = f"{first}\r\nHost: 127.0.0.1:{port}\r\n{rest}".rstrip("\r\n")
    return f"{head}\r\n\r\n{attempt.body}".encode("latin-1")


def bearer(name: str, key: str, *, status: int = 401) -> Attempt:
    return Attempt(name, f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Bearer {key}", status)


FORGED = [
    Attempt("no key", f"GET {ADMIN_ONLY} HTTP/1.1", 401),
    Attempt("empty header", f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization:", 401),
    bearer("empty key", ""),
    bearer("cut key", "{short}"),
    bearer("guessed key", "{wrong}"),
    bearer("large letters", "{upper}"),
    bearer("revoked key", "{revoked}"),
    bearer("expired key", "{expired}"),
    bearer("key and more", "{key} {key}"),
    bearer("key with a tail", "{key};"),
    bearer("key in quotes", '"{key}"'),
    bearer("base64 of the key", "{once}"),
    bearer("key escaped", "{escaped}"),
    bearer("key in UTF-7", "{seven}"),
    bearer("key with a letter of Latin-1", "{key}\xe9"),
    bearer("key with a zero byte", "{key}\0", status=400),
    bearer("key on a folded line", "\n {key}", status=400),
    bearer("lesser key", "{viewer}", status=403),
    Attempt("base64 twice", f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Basic {{twice}}", 401),
    Attempt("UTF-16 in base64", f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Basic {{wide}}", 401),
    Attempt("broken base64", f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Basic %%%", 401),
    Attempt("other scheme", f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Digest {{key}}", 401),
    Attempt(
        "two keys",
        f"GET {ADMIN_ONLY} HTTP/1.1\nAuthorization: Bearer {{key}}\nAuthorization: Bearer x",
        401,
    ),
    Attempt("key in a cookie", f"GET {ADMIN_ONLY} HTTP/1.1\nCookie: key={{key}}", 401),
    Attempt("key in another header", f"GET {ADMIN_ONLY} HTTP/1.1\nX-API-Key: {{key}}", 401),
    Attempt("key in the query", f"GET {ADMIN_ONLY}?key={{key}} HTTP/1.1", 400),
    Attempt("key in the query, escaped", f"GET {ADMIN_ONLY}?key=x&%6bey={{key}} HTTP/1.1", 400),
]
VIEWER = "Authorization: Bearer {viewer}"
SMUGGLED = [
    Attempt("line's end in the path", f"GET /v1/keys%0a HTTP/1.1\n{VIEWER}", 400),
    Attempt("zero byte in the path", f"GET /v1/keys%00 HTTP/1.1\n{VIEWER}", 400),
    Attempt("path escaped", f"GET /v1/%6b%65ys HTTP/1.1\n{VIEWER}", 403),
    Attempt("slash escaped", f"GET /v1%2fkeys HTTP/1.1\n{VIEWER}", 403),
    Attempt("dots", f"GET /v1/jobs/../keys HTTP/1.1\n{VIEWER}", 404),
    Attempt("dots below ocpu", f"GET /ocpu/test/../../v1/keys HTTP/1.1\n{VIEWER}", 400),
    Attempt("double slash", f"GET //v1/keys HTTP/1.1\n{VIEWER}", (400, 404)),
    Attempt("raw bytes in the path", f"GET /v1/k\xe9ys HTTP/1.1\n{VIEWER}", 400),
    Attempt("absolute address", f"GET http://127.0.0.1:1/v1/keys HTTP/1.1\n{VIEWER}", 403),
    Attempt("address without a path", f"GET http://127.0.0.1 HTTP/1.1\n{VIEWER}", (CLOSED, 400)),
    Attempt("asterisk", f"GET * HTTP/1.1\n{VIEWER}", (CLOSED, 400, 404)),
    Attempt("tunnel", f"CONNECT 127.0.0.1:22 HTTP/1.1\n{VIEWER}", (CLOSED, 400)),
    Attempt("small method", f"get {ADMIN_ONLY} HTTP/1.1\n{VIEWER}", 400),
    Attempt("unknown method", f"BREW {ADMIN_ONLY} HTTP/1.1\n{VIEWER}", (400, 405)),
    Attempt(
        "method in a header",
        f"POST {ADMIN_ONLY} HTTP/1.1\n{VIEWER}\nX-HTTP-Method-Override: GET\nContent-Length: 0",
        403,
    ),
    Attempt(
        "path in a header",
        f"GET {ADMIN_ONLY} HTTP/1.1\n{VIEWER}\nX-Original-URL: /healthz\nX-Rewrite-URL: /healthz",
        403,
    ),
    Attempt(
        "two lengths",
        f"POST /v1/jobs HTTP/1.1\n{VIEWER}\nContent-Length: 0\nContent-Length: 44",
        400,
        "GET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ),
    Attempt(
        "length and chunks",
        f"POST /v1/jobs HTTP/1.1\n{VIEWER}\nContent-Length: 5\nTransfer-Encoding: chunked",
        400,
        "0\r\n\r\nGET /v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ),
    Attempt(
        "odd chunks",
        f"POST /v1/jobs HTTP/1.1\n{VIEWER}\nTransfer-Encoding: xchunked",
        (400, CLOSED),
        "0\r\n\r\n",
    ),
    Attempt("two hosts", f"GET {ADMIN_ONLY} HTTP/1.1\n{VIEWER}\nHost: a\nHost: b", 400),
    Attempt("no-host", f"GET {ADMIN_ONLY} HTTP/1.1\n{VIEWER}", 400),
    Attempt(
        "page of elsewhere",
        f"POST {ADMIN_ONLY} HTTP/1.1\nAuthorization: Bearer {{key}}\nOrigin: {EVIL}\n"
        "Content-Length: 0",
        403,
    ),
    Attempt(
        "address of an administrator",
        f"GET {ADMIN_ONLY} HTTP/1.1\n{VIEWER}\nX-Forwarded-For: 127.0.0.1\nX-Real-IP: 127.0.0.1",
        403,
    ),
]
BROWSER = "Accept-Language: en"
FORM = "Content-Type: text/plain\nContent-Length: 0"
FROM_ELSEWHERE = [
    Attempt("rebound name", f"GET /v1/jobs HTTP/1.1\nHost: evil.example:{{port}}\n{BROWSER}", 421),
    Attempt(
        "rebound name for R", f"GET /ocpu/library/ HTTP/1.1\nHost: evil.example\n{BROWSER}", 421
    ),
    Attempt(
        "name with loopback in it",
        f"GET /v1/jobs HTTP/1.1\nHost: 127.0.0.1.evil.example\n{BROWSER}",
        421,
    ),
    Attempt("no name at all", "GET /v1/jobs HTTP/1.1\nHost:", 400),
    Attempt("user in the name", "GET /v1/jobs HTTP/1.1\nHost: 127.0.0.1@evil.example", 400),
    Attempt("two names", "GET /v1/jobs HTTP/1.1\nHost: 127.0.0.1\nHost: evil.example", 400),
    Attempt(
        "forged forwarded name",
        "GET /v1/jobs HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: 127.0.0.1",
        403,
    ),
    Attempt("unknown proxy", "GET /v1/jobs HTTP/1.1\nX-Forwarded-For: 127.0.0.1", 403),
    Attempt("unknown proxy, RFC 7239", "GET /v1/jobs HTTP/1.1\nForwarded: for=127.0.0.1", 403),
    Attempt(
        "run by a form of elsewhere",
        f"POST /v1/jobs/weight_gain/runs HTTP/1.1\nOrigin: {EVIL}\n{FORM}",
        403,
    ),
    Attempt("run by a sandbox", f"POST /v1/jobs/x/runs HTTP/1.1\nOrigin: null\n{FORM}", 403),
    Attempt("key by a page of elsewhere", f"POST /v1/keys HTTP/1.1\nOrigin: {EVIL}\n{FORM}", 403),
    Attempt(
        "key by another port",
        f"POST /v1/keys HTTP/1.1\nOrigin: http://127.0.0.1:1\n{FORM}",
        403,
    ),
    Attempt(
        "leave asked for by a page of elsewhere",
        f"OPTIONS /v1/keys HTTP/1.1\nOrigin: {EVIL}\nAccess-Control-Request-Method: POST",
        403,
    ),
]


def refused(server: Server, attempt: Attempt, keys: Keys | None) -> None:
    """Tries it, and asks honestly behind it."""
    request = request_of(attempt, keys, server.url.rpartition(":")[2])
    status, text = exchange(server, request)
    assert status in (attempt.status if isinstance(attempt.status, tuple) else (attempt.status,))
    assert '"keys":[' not in text
    for key in keys or ():
        assert key not in text
    honest = {"Authorization": f"Bearer {keys.admin}"} if keys else {}
    assert statuses(server, "/v1/jobs", **honest) == {200}


@pytest.mark.parametrize("attempt", [*FORGED, *SMUGGLED], ids=str)
def test_attempt_on_a_server_with_keys_is_refused(
    closed: tuple[Server, Keys], attempt: Attempt
) -> None:
    server, keys = closed
    refused(server, attempt, keys)


@pytest.mark.parametrize("attempt", FROM_ELSEWHERE, ids=str)
def test_attempt_from_elsewhere_on_a_server_without_keys_is_refused(
    opened: Server, attempt: Attempt
) -> None:
    refused(opened, attempt, None)


def test_no_key_is_in_any_log(closed: tuple[Server, Keys]) -> None:
    """Run behind the attempts: nothing of what they showed was written down."""
    server, keys = closed
    said = server.log.read_text()
    assert not [key for key in keys if key in said]
    state = server.project / ".larder"
    kept = [file for file in state.rglob("*") if file.is_file() and file.stat().st_size < 10**8]
    assert kept
    assert not [file for file in kept for key in keys if key.encode() in file.read_bytes()]
