"""A server on tests/projects/busy, and ways to take parts of it away."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import inventory
from serving import ROOT, Server, wait_until

from bench.roles import by_role, is_alive
from engine.pool import Pool

PROJECT = ROOT / "tests" / "projects" / "busy"
CALL = "/ocpu/library/base/R/sum/json"
WITHIN_S = 30.0


def copy_busy(folder: Path) -> Path:
    """The project without the state of any server that ran on it."""
    project = folder / "busy"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".larder"))
    return project


class Busy:
    """A running server, a client of it, and its processes."""

    def __init__(self, server: Server, client: httpx.Client) -> None:
        self.server = server
        self.client = client
        self.state = server.project / ".larder"
        self._threads = ThreadPoolExecutor(8)

    def close(self) -> None:
        self._threads.shutdown()

    def pids(self, role: str) -> list[int]:
        assert self.server.process is not None
        return by_role(self.server.process.pid)[role]

    def end(self, role: str) -> None:
        """SIGKILL to all processes of a role; returns when they are gone, and what they forked."""
        forked = self.pids("child") if role != "child" else []
        killed = self.pids(role)
        assert killed, f"there is no {role}"
        for pid in killed:
            with suppress(ProcessLookupError):  # a live session that just ended
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in (*killed, *forked)))

    def wait_until_whole(self, before: inventory.Inventory) -> None:
        """Until there are as many processes of each role as before, and they answer."""
        deadline = time.monotonic() + WITHIN_S
        while (now := inventory.take(self.server)).processes != before.processes:
            told = f"{before.processes} before, {now.processes} now"
            assert time.monotonic() < deadline, f"{told}\n{self.server.log.read_text()[-5000:]}"
            time.sleep(0.05)
        wait_until(lambda: inventory.is_ready(self.server))

    def wait_until_running(self, calls: int = 1) -> None:
        wait_until(lambda: self._running() == calls)

    def _running(self) -> int | None:
        answer = self.client.get("/readyz")
        return answer.json()["running"] if answer.status_code == 200 else None

    def serving(self) -> list[int]:
        """The children that run a call now."""
        pool = Pool(self.state / "engine.sock")
        try:
            return [call["pid"] for call in pool.under_way() if call["pid"] is not None]
        finally:
            pool.close()

    def add(self, *numbers: int) -> httpx.Response:
        return self.client.post(CALL, data={"...": ",".join(map(str, numbers))})

    def assert_answers(self) -> None:
        """The next call, and not one of several, has its right answer."""
        answer = self.add(40, 2)
        assert (answer.status_code, answer.text) == (201, "[42]\n"), answer.text

    def begin(self, function: str, **arguments: str) -> "Future[httpx.Response]":
        """A call made beside; each has a connection of its own."""

        def ask() -> httpx.Response:
            with self.server.client() as client:
                return client.post(f"/ocpu/library/busy/R/{function}", data=arguments)

        return self._threads.submit(ask)

    def let_go(self) -> None:
        """Lets all calls of `waits` return."""
        for place in ("sessions/.staging/*", "work/*/*"):  # a live one works in its child's
            for folder in self.state.glob(place):
                if folder.is_dir():
                    (folder / "go").touch()

    def sessions(self) -> set[str]:
        return {path.name for path in (self.state / "sessions").glob("x0*")}


@contextmanager
def busy(folder: Path) -> Iterator[Busy]:
    with Server(copy_busy(folder), workers=1) as server, server.client() as client:
        made = Busy(server, client)
        try:
            yield made
        finally:
            made.close()
