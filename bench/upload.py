"""A large upload: what it takes of the API worker's memory, and of everybody else's time.

Run as `python -m bench.upload PORT FILE` it only sends the file, to be a process of its own.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench import processes
from bench.call import CALL
from bench.figures import Figure, at_most, ratios
from bench.server import Server, ask

MB = 2**20
READ_CSV = "/ocpu/library/utils/R/read.csv"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n'
TAIL = b'\r\n--x\r\nContent-Disposition: form-data; name="nrows"\r\n\r\n3\r\n--x--\r\n'
WAIT_S = 600


def measure(server: Server, folder: Path, *, size_mb: int, repetitions: int) -> Iterator[Figure]:
    """R reads three rows of the file, so that what is measured is the upload."""
    path = _make_csv(folder / "large.csv", size_mb)
    growth, took, copied = [], [], []
    alone: list[float] = []
    beside: list[float] = []
    send = [sys.executable, "-m", "bench.upload", str(server.port), str(path)]
    for _ in range(repetitions):
        copied.append(_timed(lambda: shutil.copyfile(path, folder / "copy.csv")))
        before = processes.reset_peak_memory(server.api_pid)
        started = time.perf_counter()
        upload = subprocess.Popen(send, stdout=subprocess.PIPE, text=True)
        during = _latencies(server, lambda: upload.poll() is None)  # noqa: B023  # used up here
        took.append(time.perf_counter() - started)
        session = (upload.communicate()[0] or "").strip()
        assert session, "the upload failed"
        growth.append((processes.peak_memory(server.api_pid) - before) / MB)
        beside.append(median(during))
        until = time.perf_counter() + max(1, took[-1])
        alone.append(median(_latencies(server, lambda: time.perf_counter() < until)))  # noqa: B023
        shutil.rmtree(server.project / ".larder" / "sessions" / session)
    what = f"upload of a CSV of {size_mb:,} MB"
    yield Figure(
        f"{what}: peak memory of the API worker grows by",
        f"{median(growth):.1f} MB",
        f"the file's {size_mb:,} MB",
        tuple(grown / size_mb for grown in growth),
        at_most(0.05),
    )
    yield Figure(
        f"{what}: rnorm of another client, p50",
        f"{median(beside) * 1000:.0f} ms",
        f"without the upload {median(alone) * 1000:.0f} ms",
        ratios(beside, alone),
        at_most(2),
    )
    yield Figure(
        f"{what}: seconds, with R's answer",
        f"{median(took):.1f} s",
        f"copying the file {median(copied):.1f} s",
        ratios(took, copied),
    )


def _latencies(server: Server, go_on: Callable[[], bool]) -> list[float]:
    """Seconds of each call that another client makes, one after the other."""
    connection = server.connect()
    found = [_timed(lambda: ask(connection, CALL, "n=3"))]
    while go_on():
        found.append(_timed(lambda: ask(connection, CALL, "n=3")))
    connection.close()
    return found


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _make_csv(path: Path, size_mb: int) -> Path:
    rows = "".join(f"{row},{row * 1.5},row {row}\n" for row in range(50_000)).encode()
    with path.open("wb") as out:
        out.write(b"id,estimate,label\n")
        while out.tell() < size_mb * MB:
            out.write(rows)
    return path


def send(port: int, path: Path) -> str:
    """Uploads a file; the key of the session that this made."""
    length = len(HEAD) + path.stat().st_size + len(TAIL)
    head = f"POST {READ_CSV} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        connection.sendall(head.encode() + HEAD)
        with path.open("rb") as file:
            connection.sendfile(file)
        connection.sendall(TAIL)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert " 201 " in status, answer
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return headers["x-ocpu-session"]


if __name__ == "__main__":
    print(send(int(sys.argv[1]), Path(sys.argv[2])))
