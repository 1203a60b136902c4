"""Our evaluator beside the package evaluate, in turn in one warm R.

Run as `python -m bench.evaluator FOLDER` it is that R: each line of its input is an evaluator's
name, a number of times and a piece of R, each line of its output the seconds an evaluation took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rpy2 import rinterface as ri

from bench.figures import Figure, Goal, at_most, milliseconds, ratios
from bench.project import ROOT
from engine.convert import to_r
from engine.loading import start_base

OURS, THEIRS = "run_call", "reference_call"


@dataclass(frozen=True)
class Work:
    """What is evaluated: so many times at a go, for it may be quick."""

    what: str
    code: str
    times: int
    goal: Goal | None = None


CATS = "for (i in 1:{}) cat('hello', i, '\\n')"
FEW, MANY = 3_000, 30_000
WORKS = (
    Work("a trivial call", "rnorm(3)", 50, at_most(1 / 5)),
    Work(f"{FEW:,} cat()", CATS.format(FEW), 2),
    Work(f"{MANY:,} cat()", CATS.format(MANY), 1),
    Work("50 cat() of 1 MB", "{x <- strrep('a', 1e6); for (i in 1:50) cat(x)}", 1),
    Work("a plot", "plot(1:10)", 10),
    Work("10,000 warnings", "for (i in 1:10000) warning('hello')", 1),
)


def measure(folder: Path, *, repetitions: int) -> Iterator[Figure]:
    took: dict[str, list[float]] = {}
    with _warm_r(folder / "evaluator") as process:
        for work in WORKS:
            ours, theirs = [], []
            for _ in range(repetitions):
                ours.append(_ask(process, OURS, work))
                theirs.append(_ask(process, THEIRS, work))
            took[work.what] = ours
            yield Figure(
                f"evaluator: {work.what}",
                milliseconds(median(ours)),
                f"package evaluate {milliseconds(median(theirs))}",
                ratios(ours, theirs),
                work.goal,
            )
    few, many = took[f"{FEW:,} cat()"], took[f"{MANY:,} cat()"]
    grown = [MANY / FEW * seconds for seconds in few]
    yield Figure(
        f"evaluator: {MANY:,} cat()",
        milliseconds(median(many)),
        f"{MANY // FEW} times {FEW:,} cat() {milliseconds(median(grown))}",
        ratios(many, grown),
        at_most(1.5),
    )


@contextmanager
def _warm_r(folder: Path) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir()
    command = [sys.executable, "-m", "bench.evaluator", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        for evaluator in (OURS, THEIRS):  # until R has compiled what they call
            _ask(process, evaluator, Work("", "plot(1:10)", 5))
        yield process


def _ask(process: subprocess.Popen[str], evaluator: str, work: Work) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{json.dumps([evaluator, work.times, work.code])}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    folder = Path(sys.argv[1])
    facts = {"sessions_root": str(folder), "state": str(folder)}
    facts |= {"json_digits": 4, "ocpu_version": "2.2.12"}
    r, _ = start_base({**facts, "libraries": [], "preload": [], "project": None}, folder)
    larder = r._larder  # noqa: SLF001  # no request asks for an evaluation without a session
    ri.baseenv["sys.source"](to_r(str(ROOT / "bench" / "r" / "evaluate.R")), envir=larder)
    # The call is read in R: as an argument from here it would be evaluated before.
    evaluate = ri.evalr("function(evaluator, code) evaluator(str2lang(code), new.env())")
    for line in sys.stdin:
        evaluator, times, code = json.loads(line)
        seconds = 0.0
        for _ in range(times):
            r._console.clear()  # noqa: SLF001
            started = time.perf_counter()
            evaluate(larder[evaluator], to_r(code))
            seconds += time.perf_counter() - started
        print(seconds / times, flush=True)


if __name__ == "__main__":
    main()
