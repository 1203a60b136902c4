"""A warm R in a process of its own, to which one evaluation is what Larder's engine makes of it.

Run as `python -m bench.warm_r FOLDER`; each line of its input is a kind and a number of times, each
line of its output the seconds that every one of them took, as JSON. Kinds:
    bare       R's own rnorm(3) and jsonlite::toJSON, nothing captured or kept
    evaluate   the engine's whole evaluation of the call, in this process
    fork       the same in a forked child, from before the fork until the child is reaped
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rpy2 import rinterface as ri

from bench.project import ROOT
from engine.loading import start_base
from engine.worker import R

OUTPUT = {"label": "json", "format": "json", "options": {}}
BARE = "function() jsonlite::toJSON(stats::rnorm(3), pretty = TRUE, digits = 4)"
ARGUMENT = {"name": "n", "kind": "code", "value": "3"}


class Evaluations:
    """The kinds of evaluation; each makes one and returns how long it took."""

    def __init__(self, r: R, folder: Path) -> None:
        self._r = r
        self._folder = folder
        self._made = 0
        self._bare = ri.evalr(BARE)

    def bare(self) -> float:
        started = time.perf_counter()
        self._bare()
        return time.perf_counter() - started

    def evaluate(self) -> float:
        request = self._request()
        started = time.perf_counter()
        self._serve(request)
        return time.perf_counter() - started

    def fork(self) -> float:
        request = self._request()
        started = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._serve(request)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        assert status == 0
        return time.perf_counter() - started

    def _serve(self, request: dict[str, object]) -> None:
        answer = self._r.serve(request)
        assert answer["bodies"]["json"]["body"].startswith(b"["), answer

    def _request(self) -> dict[str, object]:
        self._made += 1
        folder = self._folder / f"x{self._made}"
        folder.mkdir()
        target = {"operation": "evaluate", "package": "stats", "name": "rnorm"}
        return {**target, "arguments": [ARGUMENT], "outputs": [OUTPUT], "folder": str(folder)}


class WarmR:
    """The other end: asks that process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def time(self, kind: str, times: int) -> list[float]:
        """The seconds that each of so many evaluations took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{kind} {times}\n")
        self._process.stdin.flush()
        return [float(took) for took in json.loads(self._process.stdout.readline())]


@contextmanager
def warm_r(folder: Path) -> Iterator[WarmR]:
    folder.mkdir()
    command = [sys.executable, "-m", "bench.warm_r", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        found = WarmR(process)
        for kind in ("bare", "evaluate", "fork"):  # until R has compiled what they call
            found.time(kind, 5)
        yield found


def main() -> None:
    folder = Path(sys.argv[1])
    facts = {"sessions_root": str(folder), "state": str(folder)}
    facts |= {"json_digits": 4, "ocpu_version": "2.2.12"}
    r, _ = start_base({**facts, "libraries": [], "preload": [], "project": None}, folder)
    evaluations = Evaluations(r, folder)
    kinds: dict[str, Callable[[], float]] = {
        "bare": evaluations.bare,
        "evaluate": evaluations.evaluate,
        "fork": evaluations.fork,
    }
    for line in sys.stdin:
        kind, times = line.split()
        print(json.dumps([kinds[kind]() for _ in range(int(times))]), flush=True)


if __name__ == "__main__":
    main()
