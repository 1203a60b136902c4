"""The private folders of one installation, and how it runs programs in them."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.shelf import FILES, LIBRARY

TAIL_BYTES = 256 * 1024
"""What is kept of a program's output; compilers can be endless."""
KEPT_VARIABLES = (
    *("PATH", "TZ", "PYTHONPATH", "R_LIBS", "R_LIBS_SITE", "R_LIBS_USER", "R_BIOC_VERSION"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
)
"""All that an installation sees of the server's environment: no secrets, they run others' code."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its status, negative for a signal, and what it wrote.

    `answer` is its standard output where that was asked for; all else is `output`.
    """

    status: int
    output: str
    answer: str = ""

    @property
    def ok(self) -> bool:
        """Whether it says that all went well."""
        return self.status == 0


class Workshop:
    """Folders below one release: what will stay (`library` or `files`) and what will not (`work`).

    Programs run with their output in `log`, no input, and in a process group of their own.
    """

    def __init__(self, release: Path) -> None:
        self.release = release
        self.library = release / LIBRARY
        self.files = release / FILES
        self.work = release / "work"
        self.source = self.work / "source"
        self.build = self.work / "build"
        self.log = self.work / "log"
        self._home = self.work / "home"
        self._temporary = self.work / "tmp"

    def prepare(self) -> None:
        """Makes the folders that have to be there."""
        for folder in (self.library, self.build, self._home, self._temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def clear(self) -> None:
        """Removes what is not to stay."""
        shutil.rmtree(self.work, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Returns the whole environment of an installation."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        folders = {"HOME": str(self._home), "TMPDIR": str(self._temporary)}
        return {**kept, **folders, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        extra: Mapping[str, str] | None = None,
        file_bytes: int | None = None,
        ask: bool = False,
    ) -> Outcome:
        """Runs a program to its end; `file_bytes` is the largest file that it may write.

        With `ask`, its standard output is the answer instead of a part of the log.

        Raises:
            FileNotFoundError: there is no such program.
        """
        with self.log.open("ab") as log, _file_limit(file_bytes):
            begins = log.tell()
            process = subprocess.Popen(
                command,
                cwd=cwd or self.work,
                env={**self.environment(), **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if ask else log,
                stderr=log,
                process_group=0,
            )
            answer = process.communicate()[0] or b""
        output = tail(self.log, begins)
        return Outcome(process.returncode, output, answer.decode(errors="replace"))


def tail(log: Path, begins: int = 0) -> str:
    """Returns the end of what was written since, as text; nothing where there is no log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(begins, size - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def _file_limit(file_bytes: int | None) -> Iterator[None]:
    """Lends a smaller limit to what is started meanwhile: it is inherited."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
