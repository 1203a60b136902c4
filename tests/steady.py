"""A server whose roles are killed while it computes much, and what it has stored, from outside."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from serving import ROOT, Server

from bench.roles import by_role

PROJECT = ROOT / "tests" / "projects" / "steady"
CELLS = {(x, y): x * y for x in range(1, 51) for y in range(1, 51)}
ROWS = {number: (number + 0.5) / 2 for number in range(1, 10_001)}
SIZES = {"products": len(CELLS), "halves": len(ROWS)}
KILLED = {"supervisor": 2, "scheduler": 2, "api": 2, "broker": 2, "parent": 3, "child": 5}
"""Roles, and how often each is killed beside the others."""

Stored = dict[tuple[str, object], object]
"""By job and key of a cell or row: which evaluation its answer is from."""


class Steady:
    """The project, and the server on it that is started anew whenever it is killed."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "steady"
        shutil.copytree(PROJECT, self.project, ignore=shutil.ignore_patterns(".larder"))
        (self.project / "data").mkdir()
        lines = (f"{number},{number + 0.5}\n" for number in ROWS)
        (self.project / "data" / "rows.csv").write_text("id,x\n" + "".join(lines))
        self.state = self.project / ".larder"
        self.server = Server(self.project, workers=1)

    @contextmanager
    def run_by_an_operator(self) -> Iterator[None]:
        """Runs every job, as `larder run` does, until it ends or the block does."""
        command = [sys.executable, "-m", "larder", "run", "--project", str(self.project)]
        with (self.project / "run.log").open("wb") as log:
            programs = [
                subprocess.Popen([*command, job], cwd=ROOT, stdout=log, stderr=log) for job in SIZES
            ]
            try:
                yield
            finally:
                for program in programs:
                    program.kill()
                    program.wait()

    def kill_one(self, dice: random.Random) -> str:
        """SIGKILL to a process of some role; returns which. A killed server is started again."""
        assert self.server.process is not None
        there = {role: pids for role, pids in by_role(self.server.process.pid).items() if pids}
        weights = {role: weight for role, weight in KILLED.items() if role in there}
        [role] = dice.choices(list(weights), list(weights.values()))
        if role == "supervisor":
            self.server.kill()
            self.server.begin()
        else:
            with suppress(ProcessLookupError):  # a child that has just ended
                os.kill(dice.choice(there[role]), signal.SIGKILL)
        return role

    def stored(self) -> Stored:
        return {
            **{("products", key): session for key, session in self._cells()},
            **{("halves", key): batch for key, batch in self._rows()},
        }

    def share(self) -> float:
        """How much is stored of the job that has got furthest; 1 is all of it."""
        stored = {"products": len(self._cells()), "halves": len(self._rows())}
        return max(stored[job] / size for job, size in SIZES.items())

    def runs(self) -> list[dict[str, object]]:
        """The rows of all runs, oldest first."""
        return [dict(row) for row in self._ask("catalog.db", "SELECT * FROM runs ORDER BY id")]

    def are_over(self) -> bool:
        found = {run["job"]: run["finished_at"] for run in self.runs()}
        return len(found) == len(SIZES) and None not in found.values()

    def sessions(self) -> set[str]:
        return {path.name for path in (self.state / "sessions").glob("x0*")}

    def _cells(self) -> list[sqlite3.Row]:
        done = "SELECT cache_key, session_key FROM cells WHERE session_key IS NOT NULL"
        return self._ask("catalog.db", done)

    def _rows(self) -> list[sqlite3.Row]:
        return self._ask("rows/halves.db", "SELECT key, batch FROM rows")

    def _ask(self, name: str, query: str) -> list[sqlite3.Row]:
        path = self.state / name
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            with suppress(sqlite3.OperationalError):  # the table is not made yet
                return connection.execute(query).fetchall()
        return []
