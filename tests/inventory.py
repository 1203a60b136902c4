"""What a running server holds: processes, descriptors, memory, folders; the same before and after.

Told from outside: /proc, the state folder, /readyz and what the engine says of itself.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from serving import Server, wait_until

from bench.processes import parent_of
from bench.roles import by_role, pss
from engine.errors import EngineUnavailable
from engine.pool import Pool

MIB = 2**20
STANDING = ("base", "project")
SETTLE_S = 90.0
"""Longer than a session stays live after its last call."""
MORE_DESCRIPTORS = {"api": 16, "scheduler": 16, "broker": 16}
"""How many more a role may hold: connections of as many threads as happened to be needed. A fault
that leaks has to be repeated often enough to show beside them."""


@dataclass(frozen=True)
class Inventory:
    """What there is at one moment.

    Attributes:
        processes: How many of each role.
        descriptors: The most that any process of a role holds, besides what comes with demand.
        memory: Bytes (PSS) of all processes of a role together.
        folders: How many entries the folders have where calls work; a child's own is its own.
    """

    processes: dict[str, int]
    descriptors: dict[str, int]
    memory: dict[str, int]
    folders: dict[str, int]

    def same_things(self, other: "Inventory") -> bool:
        return self.processes == other.processes and self.folders == other.folders

    def beyond(self, before: "Inventory") -> list[str]:
        """What there is more, or less, than before; memory apart."""
        found = []
        for name in ("processes", "folders"):
            then, now = getattr(before, name), getattr(self, name)
            found += [
                f"{name} {key}: {then.get(key, 0)} before, {now.get(key, 0)} now"
                for key in sorted({*then, *now})
                if then.get(key, 0) != now.get(key, 0)
            ]
        return found + [
            f"descriptors {role}: {before.descriptors.get(role, 0)} before, {count} now"
            for role, count in self.descriptors.items()
            if count > before.descriptors.get(role, 0) + MORE_DESCRIPTORS.get(role, 0)
        ]


def take(server: Server) -> Inventory:
    state = server.project / ".larder"
    cached = _cached(state)
    while True:
        found = _take(server, *cached)
        was, cached = cached, _cached(state)
        if was == cached:  # none came or went while the others were counted
            return found


def _take(server: Server, live: set[int], templates: set[int]) -> Inventory:
    assert server.process is not None
    roles = by_role(server.process.pid)
    state = server.project / ".larder"
    children = set(roles["child"])
    kept = Counter(parent_of(pid) for pid in live)
    kept.update({pid: 2 * len(live) for pid in roles["broker"]})
    for role in ("parent", "child"):
        roles[role] = [pid for pid in roles[role] if not (live | templates) & {pid, parent_of(pid)}]
    roles = {role: pids for role, pids in roles.items() if pids}
    return Inventory(
        {role: len(pids) for role, pids in roles.items()},
        {role: max(_descriptors(pid) - kept[pid] for pid in pids) for role, pids in roles.items()},
        {role: sum(map(pss, pids)) for role, pids in roles.items()},
        {
            "work": len([name for name in _names(state / "work") if _owner(name) not in children]),
            "staging": len(_names(state / "sessions" / ".staging")),
        },
    )


def take_at_rest(server: Server) -> Inventory:
    """Waits until two looks in a row find the same, and nothing runs."""
    seen: list[Inventory] = []

    def is_still() -> bool:
        time.sleep(0.3)
        seen.append(take(server))
        return len(seen) > 1 and seen[-2].same_things(seen[-1]) and is_idle(server)

    wait_until(is_still, SETTLE_S)
    return seen[-1]


def take_when_like(server: Server, before: Inventory, within_s: float = SETTLE_S) -> Inventory:
    """Waits until there is what was there before; what there is in the end, if it never is."""
    deadline = time.monotonic() + within_s
    now = take(server)
    while now.beyond(before) and time.monotonic() < deadline:
        time.sleep(0.3)
        now = take(server)
    return now


def is_ready(server: Server) -> bool:
    return _readiness(server).status_code == 200


def is_idle(server: Server) -> bool:
    answer = _readiness(server)
    facts = answer.json()
    return answer.status_code == 200 and facts["running"] == facts["waiting"] == 0


def _readiness(server: Server) -> httpx.Response:
    with server.client() as client:
        return client.get("/readyz")


def _cached(state: Path) -> tuple[set[int], set[int]]:
    """What comes and goes with demand, and is not counted here, nor what others hold for it.

    The children that stay for the next call of a chain (of each the broker holds a connection and
    a transcript, its parent a descriptor), and the parents with a package.
    """
    pool = Pool(state / "engine.sock")
    try:
        info = pool.info()
    except EngineUnavailable:
        return set(), set()
    finally:
        pool.close()
    live = {session["pid"] for session in info["live"]}
    return live, {one["pid"] for one in info["templates"] if one["name"] not in STANDING}


def _descriptors(pid: int) -> int:
    """How many a process holds, but for the results: each thread opens these for itself."""
    count = 0
    with suppress(OSError):  # it has just ended
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it has just been closed
                count += not descriptor.readlink().name.startswith("cache.db")
    return count


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []


def _owner(name: str) -> int:
    """The child that a folder belongs to; 0 if there is none."""
    pid = name.rpartition("-")[2]
    return int(pid) if pid.isdigit() else 0
