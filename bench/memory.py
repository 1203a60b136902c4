"""What each process of a server takes of the machine's memory, after a chain that left it live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from statistics import median

from bench.figures import Figure
from bench.roles import by_role, pss
from bench.server import Server
from engine.pool import Pool

MB = 1e6


def measure(server: Server) -> Iterator[Figure]:
    """Figures in PSS: what processes share counts in equal parts, so that they add up."""
    with closing(Pool(server.project / ".larder" / "engine.sock")) as pool:
        info = pool.info()
    roles = by_role(server.pid)
    live = {session["pid"] for session in info["live"]}
    names = {one["pid"]: f"template {one['name']}" for one in info["templates"]}
    groups: dict[str, list[int]] = {
        role: roles[role] for role in ("supervisor", "api", "scheduler", "broker")
    }
    groups |= {names.get(pid, "another forking parent"): [pid] for pid in roles["parent"]}
    groups["spare child"] = [pid for pid in roles["child"] if pid not in live]
    groups["child of a live session"] = sorted(live)
    sizes = {name: [pss(pid) for pid in pids] for name, pids in groups.items() if pids}
    whole = sum(map(sum, sizes.values()))
    for name, each in sizes.items():
        many = f", each of {len(each)}" if len(each) > 1 else ""
        yield Figure(
            f"memory: {name}{many}",
            f"{median(each) / MB:.0f} MB",
            f"the whole server {whole / MB:.0f} MB",
            (median(each) / whole,),
        )
