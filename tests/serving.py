"""A real server for tests: `larder serve` on a project of its own, on a free port."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from compiled import furnish, keep

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "scoring"
READY_WITHIN_S = 60


def copy_example(folder: Path) -> Path:
    """The example project without the state of any server that ran on it."""
    project = folder / "scoring"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".larder"))
    return project


class Server:
    """A server on `project`; a context manager that leaves no process behind."""

    def __init__(self, project: Path, *, workers: int = 2, **settings: str) -> None:
        self.project = project
        self._settings = {f"LARDER_{name.upper()}": value for name, value in settings.items()}
        self._workers = workers
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.log = project / "server.log"
        self._begins = 0

    def start(self) -> Self:
        """Starts it, and waits until it is ready."""
        self.begin()
        try:
            self._when(f"url={self.url}", "ready")
        except BaseException:  # nobody else would end it
            self.stop()
            raise
        keep(self.project / ".larder")
        return self

    def begin(self) -> Self:
        """Starts it, and waits until it has its port: it may never be ready."""
        furnish(self.project / ".larder")
        command = [sys.executable, "-m", "larder", "serve", str(self.project), "--port", "0"]
        with self.log.open("ab") as log:
            self._begins = self.log.stat().st_size
            self.process = subprocess.Popen(
                [*command, "--workers", str(self._workers)],
                cwd=ROOT,
                env={**os.environ, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._when(" port=", "listening")
        port = self._said().partition(" port=")[2].split()[0]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def _said(self) -> str:
        return self.log.read_bytes()[self._begins :].decode()

    def _when(self, word: str, what: str) -> Self:
        """Returns once the log has a word, all of it."""
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while not re.search(f"{re.escape(word)}.*\n", self._said()):
            assert self.process.poll() is None, f"the server ended:\n{self._said()}"
            assert time.monotonic() < deadline, (
                f"not {what} within {READY_WITHIN_S} s:\n{self._said()}"
            )
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """SIGKILL, as when the machine loses its power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def wait_until(true: object, within_s: float = 30) -> None:
    """Polls a condition; fails the test when it does not come true in time."""
    assert callable(true)
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
