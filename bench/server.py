"""Larder as it is served: one API worker, on a free port of 127.0.0.1."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.project import ROOT

READY_WITHIN_S = 60
STOP_WITHIN_S = 30


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        pid: Its supervisor.
        api_pid: Its only API worker.
        port: Where it listens.
        project: What it serves.
    """

    pid: int
    api_pid: int
    port: int
    project: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


@contextmanager
def serve(project: Path, **settings: str) -> Iterator[Server]:
    """Serves the project until the block is left; settings as the environment has them."""
    command = [sys.executable, "-m", "larder", "serve", str(project), "--port", "0"]
    log = project / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            cwd=ROOT,
            env={**os.environ, **{f"LARDER_{name}": value for name, value in settings.items()}},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        port = _wait_until_ready(process, log)
        yield Server(process.pid, processes.find(process.pid, "larder.api_role"), port, project)
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r" url=http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.02)
    raise RuntimeError(f"Larder did not start:\n{log.read_text()}")


def ask(connection: http.client.HTTPConnection, path: str, form: str | None = None) -> bytes:
    """The body of a GET, or of the POST of a form."""
    headers = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("GET" if form is None else "POST", path, form, headers)
    response = connection.getresponse()
    content = response.read()
    assert response.status in (200, 201), (path, response.status, content)
    return content
