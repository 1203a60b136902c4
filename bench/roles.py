"""The processes of a running server by their role, and what each of them holds; read from /proc.

Roles are told by command lines and parents alone, so that nothing of the engine's inside has to be
known: `supervisor`, `api`, `scheduler`, `broker`, `parent` (forks R children), `child` (runs R),
`program` (whatever else there is: what R code started, an installation).
"""

from __future__ import annotations

import os
from pathlib import Path

from bench.processes import descendants

ROLES = ("supervisor", "api", "scheduler", "broker", "parent", "child", "program")
MODULES = {
    "larder.api_role": "api",
    "larder.scheduler_role": "scheduler",
    "larder.engine_role": "broker",
    "engine.broker": "broker",
}
FORKED = "engine.parent"
"""What the command lines of forking parents say, and of their children: a fork keeps its own."""


def by_role(supervisor: int) -> dict[str, list[int]]:
    """The processes of each role, oldest first; one that has ended but is not collected counts."""
    found: dict[str, list[int]] = {role: [] for role in ROLES}
    found["supervisor"].append(supervisor)
    for pid in descendants(supervisor):
        role = _role(pid)
        if role is not None:
            found[role].append(pid)
    return found


def pss(pid: int, which: str = "Pss") -> int:
    """Bytes of memory: what is shared by several processes counts in equal parts; 0 if ended.

    `Pss_Anon` leaves out files that are mapped.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{which}:")), 0)


def is_alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "XZ"
    except OSError:
        return False


def of_state(state: Path) -> list[int]:
    """All processes of this machine whose command line names a state folder."""
    named = str(state).encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if named in words:
                found.append(int(folder.name))
    return found


def _role(pid: int) -> str | None:
    """The role of a process; None if it has ended meanwhile."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if FORKED in words:
            return "child" if _is_confined(pid) else "parent"
    except OSError:
        return None
    return next((role for module, role in MODULES.items() if module in words), "program")


def _is_confined(pid: int) -> bool:
    """Whether it can gain no more privileges: every child gives that up first, no parent does."""
    return "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
