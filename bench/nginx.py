"""nginx serving files, set up to be as hard to beat as it gets: no log, open-file cache."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# One process does everything, so that its pid is the worker's and no user has to be changed to.
CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  default_type application/json;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  open_file_cache max=100 inactive=10m;
  open_file_cache_valid 10m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx; whatever is put into its folder of files is served."""

    pid: int
    port: int
    files: Path

    def put(self, name: str, content: bytes) -> str:
        """The address at which these bytes are served from now on."""
        (self.files / name).write_bytes(content)
        return f"http://127.0.0.1:{self.port}/{name}"


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    files = folder / "files"
    files.mkdir(parents=True)
    port = _free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    command = [
        "nginx",
        "-e",
        str(folder / "error.log"),
        "-p",
        str(folder),
        "-c",
        str(configuration),
    ]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}  # users lack sbin
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        _wait_until_listening(process, port)
        yield Nginx(process.pid, port, files)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("nginx did not start")
