"""A real server for tests: `larder serve` on a project of its own, on a free port."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

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

    def start(self) -> Self:
        command = [sys.executable, "-m", "larder", "serve", str(self.project), "--port", "0"]
        with self.log.open("ab") as log:
            begins = self.log.stat().st_size
            self.process = subprocess.Popen(
                [*command, "--workers", str(self._workers)],
                cwd=ROOT,
                env={**os.environ, **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            said = self.log.read_text()[begins:]
            found = [word for word in said.split() if word.startswith("url=http://")]
            if found:
                self.url = found[0].removeprefix("url=")
                return self
            assert self.process.poll() is None, f"the server ended:\n{said}"
            time.sleep(0.05)
        raise AssertionError(f"not ready within {READY_WITHIN_S} s:\n{self.log.read_text()}")

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
