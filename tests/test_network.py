"""Network for R: only where a job says so, or the operator for every call."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from serving import Server

pytestmark = pytest.mark.server

MODELS = """
fetched <- function(port) {
  page <- url(paste0("http://127.0.0.1:", port))
  on.exit(close(page))
  readLines(page)
}
fetched_too <- fetched
"""
JOBS = """
version: 1
jobs:
  online: {function: net::fetched, args: {port: {type: integer}}, network: true}
  offline: {function: net::fetched_too, args: {port: {type: integer}}}
"""


class Page(BaseHTTPRequestHandler):
    """Says hello to whoever asks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *_: object) -> None:
        """Says nothing to the terminal."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site.server_port
        site.shutdown()
        thread.join()


@contextmanager
def serving(folder: Path, settings: str) -> Iterator[httpx.Client]:
    (folder / "models").mkdir()
    (folder / "jobs").mkdir()
    (folder / "larder.yaml").write_text(f"name: net\n{settings}")
    (folder / "models" / "net.R").write_text(MODELS)
    (folder / "jobs" / "net.yaml").write_text(JOBS)
    with Server(folder, workers=1) as server, server.client() as client:
        yield client


def answers(client: httpx.Client, port: int) -> dict[str, tuple[int, bool]]:
    """Status of each way to ask R for the page, and whether the page came."""
    read_lines = "/ocpu/library/base/R/readLines/json"
    replies = {
        "job with network": client.get("/v1/results/online", params={"port": port}),
        "the same as OpenCPU's call": client.post(
            "/ocpu/library/net/R/fetched/json", data={"port": str(port)}
        ),
        "the same with code": client.post(
            "/ocpu/library/net/R/fetched/json", data={"port": f"as.integer('{port}')"}
        ),
        "job without network": client.get("/v1/results/offline", params={"port": port}),
        "no job": client.post(read_lines, data={"con": f"url('http://127.0.0.1:{port}')"}),
    }
    return {name: (reply.status_code, "hello" in reply.text) for name, reply in replies.items()}


def test_only_the_job_that_says_so_has_network(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, "") as client:
        found = answers(client, port)
    assert found == {
        "job with network": (200, True),
        "the same as OpenCPU's call": (201, True),
        "the same with code": (400, False),
        "job without network": (422, False),
        "no job": (400, False),
    }


def test_operator_can_give_network_to_every_call(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, "engine: {network: true}\n") as client:
        assert {came for _, came in answers(client, port).values()} == {True}
