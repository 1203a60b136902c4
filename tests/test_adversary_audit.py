"""Attempts to forge, flood and avoid the audit of a real server."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from serving import ROOT, Server, wait_until

from jobs.access_key import new_secret

pytestmark = pytest.mark.r

FORGED = "2026-11-23 05:00:00 info    forged=yes"
JOB = "jobs:\n  churn:\n    function: stats::rnorm\n    args: {n: {type: number}}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = tmp_path_factory.mktemp("project")
    (project / "jobs").mkdir()
    (project / "jobs" / "a.yaml").write_text(JOB)
    with Server(project, workers=1, log__level="debug") as server:
        yield server


def send(server: Server, request: bytes) -> int:
    """The status that a request is answered with, byte for byte as it is."""
    address = urlsplit(server.url)
    with closing(socket.create_connection((address.hostname, address.port), 30)) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n" not in answer and (part := connection.recv(65536)):
            answer += part
    return int(answer.split()[1])


def larder(server: Server, *arguments: str) -> str:
    command = [sys.executable, "-m", "larder", *arguments, "--project", str(server.project)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def rows(server: Server, **wanted: str) -> list[dict[str, Any]]:
    with server.client() as client:
        found: list[dict[str, Any]] = client.get(
            "/v1/audit", params={"limit": "1000", **wanted}
        ).json()["rows"]
    return found


def newest(server: Server) -> int:
    return max((row["id"] for row in rows(server, limit="1")), default=0)


def still_serves(server: Server) -> None:
    with server.client() as client:
        assert client.get("/v1/jobs/churn").status_code == 200
    assert not re.search(f"^{FORGED}", server.log.read_text(), re.MULTILINE)
    assert "\x1b" not in server.log.read_text()


CODED = quote(f"\r\n{FORGED}\x1b[2K\u2028{FORGED}\x00")

JSON_WITHOUT_END = (
    "POST /v1/jobs/churn/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    f"Content-Length: 60000\r\n\r\n{'[' * 60_000}"
)
ATTEMPTS: dict[str, tuple[str | bytes, int]] = {
    "newlines in a name": (f"GET /v1/jobs/{CODED} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "newlines in a path": (f"GET /nothing/{CODED} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "newlines below /ocpu": (f"GET /ocpu/library/{CODED[:-3]} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "zero byte below /ocpu": ("GET /ocpu/library/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "newlines in a session": (
        f"GET /ocpu/tmp/{CODED[:-3]}/ HTTP/1.1\r\nHost: x\r\n\r\n",
        404,
    ),
    "invalid UTF-8": ("GET /v1/jobs/%ff%fe%c0%80 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "lone surrogate": ("GET /v1/jobs/%ed%a0%80 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a path without end": (f"GET /v1/jobs/{'a' * 300_000} HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "a query without end": (f"GET /v1/jobs/no?{'a' * 300_000} HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "an id without end": (
        f"GET /v1/jobs/no HTTP/1.1\r\nHost: x\r\nX-Request-ID: {'a' * 60_000}\r\n\r\n",
        404,
    ),
    "quotes in an id": (
        'GET /v1/jobs/no HTTP/1.1\r\nHost: x\r\nX-Request-ID: a","outcome":"done\r\n\r\n',
        404,
    ),
    "two ids": (
        "GET /v1/jobs/no HTTP/1.1\r\nHost: x\r\nX-Request-ID: one\r\nX-Request-ID: two\r\n\r\n",
        404,
    ),
    "a method that nobody knows": ("FORGE /v1/jobs/churn HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a method that does not go here": ("PURGE /v1/jobs/churn HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "a path of bytes": (b"GET /v1/jobs/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no request at all": ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    "a broken header": ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "an address in a header": (
        "GET /v1/jobs/no HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n",
        403,
    ),
    "JSON without end": (JSON_WITHOUT_END, 400),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_attempt_has_its_status_and_is_on_record(server: Server, attempt: str) -> None:
    request, status = ATTEMPTS[attempt]
    before = newest(server)
    sent = request if isinstance(request, bytes) else request.encode("latin-1")
    assert send(server, sent) == status
    found = [row for row in rows(server) if row["id"] > before and row["target"] != "/v1/audit"]
    assert len(found) == 1
    [row] = found
    assert (row["status"], row["outcome"]) == (status, "refused" if status == 403 else "failed")
    assert row["address"] == "127.0.0.1"
    assert all(text.isprintable() for text in row.values() if isinstance(text, str))
    assert len(row["target"] or "") <= 1000
    assert len(row["request_id"] or "") <= 128
    still_serves(server)


def test_flood_is_on_record_one_by_one(server: Server) -> None:
    def flood(name: str) -> None:
        with server.client() as client:
            for number in range(100):
                client.get(f"/v1/jobs/{name}-{number}")

    threads = [threading.Thread(target=flood, args=(f"flood{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [row["target"] for row in rows(server) if "flood" in (row["target"] or "")]
    assert len(found) == len(set(found)) == 400
    still_serves(server)


def test_client_that_hangs_up_is_on_record(server: Server) -> None:
    body = b"time=30"
    address = urlsplit(server.url)
    with closing(socket.create_connection((address.hostname, address.port), 30)) as connection:
        connection.sendall(
            b"POST /ocpu/library/base/R/Sys.sleep HTTP/1.1\r\nHost: x\r\nX-Request-ID: hangs-up\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        )
        with server.client() as client:
            wait_until(lambda: any_call(client, "hangs-up"))
    wait_until(lambda: rows(server, request_id="hangs-up"))
    [row] = rows(server, request_id="hangs-up")
    assert (row["outcome"], row["function"]) == ("gone", "base::Sys.sleep")
    still_serves(server)


def any_call(client: Any, request_id: str) -> bool:
    """Whether R works on a call of this request."""
    found = client.get("/v1/calls").json()["calls"]
    return any(call["request_id"] == request_id and call["status"] == "running" for call in found)


def test_call_of_a_worker_that_is_killed_is_on_record(server: Server) -> None:
    address = urlsplit(server.url)
    assert server.process is not None
    with closing(http.client.HTTPConnection(address.netloc, timeout=30)) as connection:
        headers = {"X-Request-ID": "killed", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/ocpu/library/base/R/Sys.sleep", "time=30", headers)
        with server.client() as client:
            wait_until(lambda: any_call(client, "killed"))
        os.kill(worker_of(server.process.pid), signal.SIGKILL)
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse()
    wait_until(lambda: answers(server))
    wait_until(lambda: rows(server, request_id="killed"))
    [row] = rows(server, request_id="killed")
    assert (row["outcome"], row["status"]) == ("lost", None)
    still_serves(server)


def worker_of(supervisor: int) -> int:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    [worker] = [
        int(child)
        for child in children
        if b"larder.api_role" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return worker


def answers(server: Server) -> bool:
    try:
        with server.client() as client:
            return client.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_log_of_server_and_engine_name_the_request(server: Server) -> None:
    with server.client() as client:
        answer = client.post(
            "/ocpu/library/base/R/identity/json",
            data={"x": 'Sys.getenv("LARDER_REQUEST_ID")'},
            headers={"X-Request-ID": "see-me"},
        )
        assert answer.json() == ["see-me"]
        problem = client.get("/v1/jobs/no", headers={"X-Request-ID": "see-me"}).json()
        assert problem["request_id"] == "see-me"
        client.get("/ocpu/tmp/x0123456789abcd/", headers={"X-Request-ID": "see-me"})
    assert len(rows(server, request_id="see-me")) == 3


def test_key_is_on_record_nowhere(server: Server) -> None:
    """The last one: from here on the server asks for a key."""
    key = new_secret()
    basic = base64.b64encode(f"larder:{key}".encode()).decode()
    with server.client() as client:
        for headers in ({"Authorization": f"Bearer {key}"}, {"Authorization": f"Basic {basic}"}):
            client.get("/v1/jobs/churn", headers=headers)
        client.get(f"/v1/jobs/{key}", params={"key": key})
        client.get("/v1/jobs/churn", headers={"X-Request-ID": key})
        client.post("/ocpu/library/base/R/identity", data={"x": f'"{key}"'})
    told = json.dumps(rows(server)) + server.log.read_text()
    for path in (server.project / ".larder" / "audit").iterdir():
        told += path.read_text()
    assert key not in told
    assert basic not in told


def test_after_all_that_the_chain_is_whole(server: Server) -> None:
    assert "as they were written" in larder(server, "audit", "verify")
