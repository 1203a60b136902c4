"""Snippets of R run by our evaluator and by the package evaluate, each in a fork of one warm R.

Run as `python tests/side_by_side.py`, which prints what both gave as JSON: R can be opened once in
a process and never closed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.launch import R_ENVIRONMENT

ROOT = Path(__file__).parent.parent
SNIPPETS = ROOT / "tests" / "snippets"
PACKAGES = ("evaluate", "lattice", "ggplot2", "dplyr", "Matrix", "knitr", "brew", "rlang")
"""Loaded before the forks, where loading them is not what a snippet is about."""
SNIPPET_S = 60


@dataclass(frozen=True)
class Snippet:
    """Some R; `title` is unique within its topic, the name of the file."""

    topic: str
    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.topic}: {self.title}"


def snippets() -> list[Snippet]:
    found = []
    for path in sorted(SNIPPETS.glob("*.R")):
        for block in re.split(r"^#%% ", path.read_text(), flags=re.MULTILINE)[1:]:
            title, *lines = block.removesuffix("\n").split("\n")
            found.append(Snippet(path.stem, title, tuple(lines)))
    return found


def run_both() -> dict[str, dict[str, list[str]]]:
    """What each snippet gave, by evaluator, in lines of words."""
    command = [sys.executable, __file__]
    environment = {**os.environ, **R_ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, timeout=1500
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


class Runs:
    """A warm R, and forks of it."""

    def __init__(self, work: Path) -> None:
        from rpy2 import rinterface as ri  # only in the process that this file is run as

        from engine.convert import to_r
        from engine.loading import start_base

        config = {"sessions_root": str(work), "json_digits": 4, "ocpu_version": "2.2.12"}
        config |= {"libraries": [], "preload": PACKAGES, "project": None, "state": str(work)}
        self._work = work
        self._to_r = to_r
        self._r, _ = start_base(config, work)
        for path in ("bench/r/evaluate.R", "tests/side_by_side.R"):
            ri.baseenv["sys.source"](to_r(str(ROOT / path)), envir=self._r._larder)
        for evaluator in ("run_call", "reference_call"):  # until R has compiled them
            for _ in range(3):
                self._describe(("plot(1:3)", "1"), "", evaluator)

    def fork(self, snippet: Snippet, evaluator: str) -> list[str]:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                signal.alarm(SNIPPET_S)
                self._settle()
                said = self._describe(snippet.lines, snippet.topic, evaluator)
                with os.fdopen(writing, "w") as answer:
                    json.dump(said, answer)
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as answer:
            text = answer.read()
        _, status = os.waitpid(pid, 0)
        return json.loads(text) if text else [f"R ended with status {status}"]

    def _settle(self) -> None:
        """Makes this child what a child of the engine is."""
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        for name in ("tmp", "folder"):
            shutil.rmtree(self._work / name, ignore_errors=True)
            (self._work / name).mkdir()
        self._r.use_temporary_folder(self._work / "tmp")
        os.chdir(self._work / "folder")

    def _describe(self, lines: tuple[str, ...], topic: str, evaluator: str) -> list[str]:
        from rpy2 import rinterface as ri

        self._r._console.clear()
        larder = self._r._larder
        said: Any = larder["described"](
            ri.StrSexpVector(lines), self._to_r(topic), larder[evaluator]
        )
        return list(said)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as work:
        runs = Runs(Path(work))
        wanted = sys.argv[1:]
        both = {}
        for snippet in snippets():
            if not wanted or str(snippet) in wanted or snippet.topic in wanted:
                both[str(snippet)] = {
                    name: runs.fork(snippet, evaluator)
                    for name, evaluator in (("ours", "run_call"), ("reference", "reference_call"))
                }
    json.dump(both, sys.stdout)


if __name__ == "__main__":
    main()
