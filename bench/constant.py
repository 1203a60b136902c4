"""uvicorn answering a constant: what the ASGI server costs before Larder does anything at all.

Run as `python -m bench.constant DESCRIPTOR FILE`; uvicorn is set as Larder's API workers set it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send

from bench.project import ROOT


@contextmanager
def constant(content: Path) -> Iterator[tuple[int, str]]:
    """Serves the content of a file at every address; gives the process's pid and an address."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "bench.constant", str(descriptor), str(content)]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[descriptor])
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        try:
            urllib.request.urlopen(url, timeout=30).close()  # answered as soon as it has started
            yield process.pid, url
        finally:
            process.terminate()
            process.wait(10)


def main() -> None:
    descriptor, path = sys.argv[1:3]
    content = Path(path).read_bytes()
    size = str(len(content)).encode()
    # As many headers as a hit has.
    headers = [
        (b"content-length", size),
        (b"content-type", b"application/json"),
        (b"etag", b'"f91efe2102e90f48810863c63282d19c"'),
        (b"age", b"29"),
        (b"cache-control", b"max-age=82799, public"),
        (b"cache-status", b"larder; hit; ttl=82770"),
        (b"last-modified", b"Mon, 23 Nov 2026 06:13:04 GMT"),
        (b"larder-job", b"weight_gain; version=7ed9eee381a3"),
        (b"x-ocpu-session", b"x0561a241b9a6a1"),
    ]

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    with socket.socket(fileno=int(descriptor)) as listening:
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
