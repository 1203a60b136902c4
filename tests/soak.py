"""A soak: every kind of work and kills at full load for so long, and then the same as before.

`python tests/soak.py MINUTES` (script/soak) reports; tests/test_soak.py has a short one.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # as pytest has them, where this is a script

import inventory  # noqa: E402
from busy import Busy, busy  # noqa: E402
from inventory import MIB, Inventory  # noqa: E402
from soak_work import KINDS, Client, Disturbed, leaves, overruns  # noqa: E402

from bench.project import Jobs, open_jobs  # noqa: E402
from jobs.errors import RunInProgress, RunInterrupted  # noqa: E402
from jobs.scope import EVERYTHING  # noqa: E402
from jobs.status import Cause, RunStatus  # noqa: E402

KILL_EACH_S = 6.0
KILLED = ("child",) * 6 + ("parent",) * 2 + ("broker",)
CALM = 1 / 3
"""Of the time, at its end: only children are killed, so that what the others gather shows."""
EXCUSED_S = 30.0
"""How long after a kill an answer may still say that the engine was disturbed."""
MEMORY_TIMES, MEMORY_MORE = 1.3, 40 * MIB
"""A role may have so many times the memory it had, and so much more for each of its processes."""
BATCHES = {"squares": "value", "doubles": "double"}
SQUARES = 12
"""Cells of that job; each has a session."""


@dataclass
class Story:
    """What happened; written by many threads, a line at a time.

    Attributes:
        done: How often each kind of work was done.
        kills: When what was killed, by the monotonic clock.
        disturbed: From when till when, and how, calls were disturbed.
        begun: Runs of batches that were begun, by any end.
        wrong: Answers that were wrong, or took no end; and threads that failed.
    """

    done: Counter[str] = field(default_factory=Counter)
    kills: list[tuple[float, str]] = field(default_factory=list)
    disturbed: list[tuple[float, float, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def unexplained(self) -> list[str]:
        """Disturbances without a kill that would explain them."""
        return [
            said
            for began, ended, said in self.disturbed
            if not any(began - EXCUSED_S < moment < ended for moment, _ in self.kills)
        ]


class Soak:
    """Load on one server by so many clients."""

    def __init__(self, server: Busy, *, clients: int, seed: int = 1) -> None:
        self._server = server
        self._clients = clients
        self._random = random.Random(seed)
        self.story = Story()
        self.before: Inventory | None = None
        self.after: Inventory | None = None
        self._sessions = 0

    def run(self, seconds: float) -> list[str]:
        """What is wrong in the end; nothing, if all is well."""
        self._warm_up()
        self.before = inventory.take_at_rest(self._server.server)
        self._sessions = len(self._server.sessions())
        stop = threading.Event()
        threads = [
            *(self._thread(self._work, number, stop) for number in range(self._clients)),
            self._thread(self._run_batches, stop),
        ]
        self._kill_until(time.monotonic() + seconds, seconds * CALM)
        stop.set()
        for thread in threads:
            thread.join(300)
            if thread.is_alive():
                self.story.wrong.append(f"{thread.name} never came to its end")
        self._every_kind_once("after")
        self.after = inventory.take_when_like(self._server.server, self.before)
        return [*self.story.wrong, *self.story.unexplained(), *self._left_over()]

    def _warm_up(self) -> None:
        """All that the soak does, once: connections, threads, templates are there after it."""
        threads = [
            self._thread(self._every_kind_once, f"warm{number}") for number in range(self._clients)
        ]
        with open_jobs(self._server.server.project) as jobs:
            for job in BATCHES:
                self._batch(jobs, job)
        for thread in threads:
            thread.join()
        whole = inventory.take_at_rest(self._server.server)
        for part in ("child", "parent", "broker"):
            self._note_kill(part)
            self._server.end(part)
            self._server.wait_until_whole(whole)
        self._every_kind_once("warm")

    def _thread(self, target: Callable[..., None], *arguments: object) -> threading.Thread:
        def run() -> None:
            try:
                target(*arguments)
            except Exception:  # noqa: BLE001  # in a thread nobody else would hear of it
                self.story.wrong.append(traceback.format_exc())

        thread = threading.Thread(target=run, name=f"{target.__name__} {arguments}", daemon=True)
        thread.start()
        return thread

    def _work(self, number: int, stop: threading.Event) -> None:
        with Client(self._server.server.url, number) as client:
            while not stop.is_set():
                self._do(client.random.choice(KINDS), client)

    def _every_kind_once(self, name: str) -> None:
        with Client(self._server.server.url, len(name)) as client:
            for kind in dict.fromkeys(KINDS):
                self._do(kind, client)

    def _do(self, kind: Callable[[Client], None], client: Client) -> None:
        began = time.monotonic()
        try:
            kind(client)
        except Disturbed as error:
            line = (began, time.monotonic(), f"{kind.__name__}: {error}")
            self.story.disturbed.append(line)
            time.sleep(0.1)  # as a client would before it tries again
        except Exception:  # noqa: BLE001  # the soak goes on, and tells in the end
            self.story.wrong.append(f"{kind.__name__}: {traceback.format_exc()}")
        else:
            with self.story.lock:
                self.story.done[kind.__name__] += 1

    def _run_batches(self, stop: threading.Event) -> None:
        with open_jobs(self._server.server.project) as jobs:
            while not stop.is_set():
                for job in BATCHES:
                    self._batch(jobs, job)
                stop.wait(1)
        with open_jobs(self._server.server.project) as jobs:
            for job in BATCHES:
                self._batch(jobs, job, undisturbed=True)

    def _batch(self, jobs: Jobs, job: str, *, undisturbed: bool = False) -> None:
        self.story.begun += 1
        try:
            run = jobs.runner.run(jobs.job(job), Cause.MANUAL, scope=EVERYTHING)
        except (RunInterrupted, RunInProgress):  # the scheduler takes it up, or has done so
            return
        if undisturbed and run.status is not RunStatus.SUCCEEDED:
            self.story.wrong.append(f"run of {job}: {run}")
        rows = self._server.client.get(f"/v1/results/{job}/table").json()
        with self.story.lock:
            self.story.done[f"run of {job}"] += 1
        self.story.wrong += [
            f"row of {job}: {row}" for row in rows if row[BATCHES[job]] != _right(job, row)
        ]

    def _kill_until(self, end: float, calm_s: float) -> None:
        while (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, self._random.uniform(0.5, 1.5) * KILL_EACH_S))
            is_calm = end - time.monotonic() < calm_s
            part = "child" if is_calm else self._random.choice(KILLED)
            pids = self._server.pids(part)
            if pids:
                self._note_kill(part)
                self._kill(self._random.choice(pids))

    def _note_kill(self, part: str) -> None:
        self.story.kills.append((time.monotonic(), part))

    def _kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGKILL)

    def _left_over(self) -> list[str]:
        assert self.before is not None
        assert self.after is not None
        sessions = len(self._server.sessions()) - self._sessions
        # Of cells computed anew the older sessions stay for their time, as other sessions do.
        kept = self.story.done[leaves.__name__] + self.story.done[overruns.__name__]
        kept += self.story.begun * SQUARES
        may_be_left = kept + 3 * len(self.story.disturbed)
        found = self.after.beyond(self.before)
        if sessions > may_be_left:
            found.append(f"sessions: {sessions} more than before, {may_be_left} explained")
        for role, now in self.after.memory.items():
            then = self.before.memory.get(role, 0)
            most = MEMORY_TIMES * then + MEMORY_MORE * self.after.processes.get(role, 0)
            if now > most:
                found.append(f"memory {role}: {then // MIB} MiB before, {now // MIB} MiB now")
        return found

    def report(self) -> str:
        """What happened, and what the server held before and after."""
        lines = [f"{kind}: {count}" for kind, count in sorted(self.story.done.items())]
        kills = Counter(part for _, part in self.story.kills)
        lines.append(f"killed: {dict(kills)}; disturbed calls: {len(self.story.disturbed)}")
        for name in ("processes", "descriptors", "folders"):
            then, now = getattr(self.before, name), getattr(self.after, name)
            lines.append(f"{name} before {then}\n{name} after  {now}")
        for when, seen in (("before", self.before), ("after ", self.after)):
            assert seen is not None
            in_mib = {role: count // MIB for role, count in seen.memory.items()}
            lines.append(f"memory {when} {in_mib} MiB")
        return "\n".join(lines)


def _right(job: str, row: dict[str, float]) -> float:
    return row["x"] ** 2 if job == "squares" else 2 * (row["id"] + 0.5)


def main() -> None:
    """Soaks a server of its own; its exit status says whether all was well."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="larder-soak-") as name, busy(Path(name)) as server:
        soak = Soak(server, clients=options.clients)
        wrong = soak.run(options.minutes * 60)
        print(soak.report())
    for line in wrong:
        print(f"WRONG {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
