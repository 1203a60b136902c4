"""What walls cost a call: an engine with all that this machine gives beside one without any."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.figures import Figure, ratios
from bench.processes import cores, tree_cpu_s
from bench.project import ROOT
from cache.sessions import SessionFolder
from engine.broker import BrokerConfig
from engine.call import Argument, FunctionCall, Output
from engine.errors import EngineUnavailable
from engine.host import Mode
from engine.limits import Limits
from engine.pool import Pool

CALL = FunctionCall("stats", "rnorm", (Argument("n", "json", "3"),))
OUTPUTS = (Output("json", "json"),)
CLIENTS = 4
CALLS_A_ROUND = 20
READY_WITHIN_S = 30.0


@dataclass(frozen=True)
class Engine:
    """A running engine and what its clients need."""

    pool: Pool
    sessions: SessionFolder
    pid: int

    def call_s(self) -> float:
        """The seconds that one trivial call took; its session is thrown away."""
        stage = self.sessions.stage()
        started = time.perf_counter()
        self.pool.evaluate(CALL, stage=stage.path, limits=Limits(), outputs=OUTPUTS)
        took = time.perf_counter() - started
        self.sessions.discard(stage)
        return took

    def under_load(self, seconds: float) -> tuple[float, float]:
        """How many calls a second `CLIENTS` clients get answered, and the CPU seconds of each."""
        started, spent = time.perf_counter(), tree_cpu_s(self.pid)

        def repeat(_: int) -> int:
            done = 0
            while time.perf_counter() < started + seconds:
                self.call_s()
                done += 1
            return done

        with ThreadPoolExecutor(CLIENTS) as threads:
            done = sum(threads.map(repeat, range(CLIENTS)))
        took = time.perf_counter() - started
        return done / took, (tree_cpu_s(self.pid) - spent) / done


def measure(folder: Path, *, rounds: int, repetitions: int, seconds: float) -> Iterator[Figure]:
    with ExitStack() as stack:
        walled = stack.enter_context(_engine(folder / "walled", "auto"))
        bare = stack.enter_context(_engine(folder / "bare", "off"))
        for engine in (walled, bare):
            engine.under_load(1.0)
        took: dict[Engine, list[float]] = {walled: [], bare: []}
        for _ in range(rounds):
            for engine, times in took.items():
                times.append(median(engine.call_s() for _ in range(CALLS_A_ROUND)))
        yield Figure(
            "walls, a trivial call, 1 client: p50",
            f"{median(took[walled]) * 1000:.1f} ms",
            f"walls off {median(took[bare]) * 1000:.1f} ms",
            ratios(took[walled], took[bare]),
        )
        found: dict[Engine, list[tuple[float, float]]] = {walled: [], bare: []}
        for _ in range(repetitions):
            for engine, figures in found.items():
                figures.append(engine.under_load(seconds))
        ours, theirs = ([rate for rate, _ in found[engine]] for engine in (walled, bare))
        yield Figure(
            f"walls, a trivial call, {CLIENTS} clients: calls per second",
            f"{median(ours):.0f}",
            f"walls off {median(theirs):.0f}",
            ratios(ours, theirs),
        )
        ours, theirs = ([cost for _, cost in found[engine]] for engine in (walled, bare))
        yield Figure(
            f"walls, a trivial call, {CLIENTS} clients: CPU",
            f"{median(ours) * 1000:.1f} ms",
            f"walls off {median(theirs) * 1000:.1f} ms",
            ratios(ours, theirs),
        )


@contextmanager
def _engine(state: Path, walls: Mode) -> Iterator[Engine]:
    state.mkdir(mode=0o700)
    sessions = SessionFolder(state / "sessions")
    config = BrokerConfig(
        socket=str(state / "engine.sock"),
        state=str(state),
        sessions_root=str(sessions.root),
        spares=2 * len(cores()),
        max_running=2 * len(cores()),
        walls=walls,
    )
    command = [sys.executable, "-m", "engine.broker", config.to_json()]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    pool = Pool(state / "engine.sock")
    try:
        _wait_for(pool, process)
        yield Engine(pool, sessions, process.pid)
    finally:
        pool.close()
        process.terminate()
        process.wait(20)


def _wait_for(pool: Pool, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            pool.info()
        except EngineUnavailable:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the engine did not start")
