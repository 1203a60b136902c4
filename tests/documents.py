"""A server whose R has the package `documents` of tests/packages: scripts, help pages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from serving import ROOT, Server, copy_example

SOURCES = ROOT / "tests" / "packages" / "documents"
HAS_LATEX = shutil.which("pdflatex") is not None
HAS_FRAMES = HAS_LATEX and not subprocess.run(["kpsewhich", "framed.sty"], check=False).returncode
"""Whether what knitr makes of .Rnw and .Rtex can be set: that takes more of LaTeX."""
NO_LATEX = "LaTeX, which is not installed on this server."


@contextmanager
def serve_documents(folder: Path) -> Iterator[tuple[Server, Path]]:
    """The server, and where the package is installed."""
    library = folder / "library"
    library.mkdir()
    subprocess.run(
        ["R", "CMD", "INSTALL", "--no-test-load", f"--library={library}", str(SOURCES)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    before = os.environ.get("R_LIBS")
    os.environ["R_LIBS"] = str(library)
    try:
        server = Server(copy_example(folder), workers=1, schedule__enabled="false").start()
    finally:
        if before is None:
            del os.environ["R_LIBS"]
        else:
            os.environ["R_LIBS"] = before
    try:
        yield server, library / "documents"
    finally:
        server.stop()


class Run:
    """A script that was run, and its session."""

    def __init__(self, client: httpx.Client, script: str, **body: object) -> None:
        self.client = client
        self.answer = client.post(f"/ocpu/library/documents/{script}", **body)  # type: ignore[arg-type]
        self.status = self.answer.status_code
        self.session = f"/ocpu/tmp/{self.answer.headers.get('x-ocpu-session')}"

    @property
    def outputs(self) -> list[str]:
        return [line.removeprefix(f"{self.session}/") for line in self.answer.text.splitlines()]

    @property
    def files(self) -> list[str]:
        """All of them, those in folders too."""
        lines = self.get("").text.splitlines()
        found = [line.removeprefix("files/") for line in lines if line.startswith("files/")]
        return sorted(name for name in found if name != "DESCRIPTION")

    def get(self, output: str) -> httpx.Response:
        return self.client.get(f"{self.session}/{output}")
