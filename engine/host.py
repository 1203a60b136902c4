"""The host: which walls this machine can put around R, found out by trying.

`python -m engine.host` prints it as JSON, for those who must not fork themselves.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from engine import landlock, privileges, refused_calls, seccomp
from engine.errors import WallsMissing

log = logging.getLogger(__name__)

OFF = "engine.walls is off: R code has all the rights of this server"
Mode = Literal["auto", "require", "off"]


@dataclass(frozen=True)
class Wall:
    """A wall by its name, what it is made of, and what follows where that is nothing."""

    name: str
    made_of: str
    lack: str


@dataclass(frozen=True)
class Host:
    """What the kernel and the server's own rights give.

    Attributes:
        landlock: The version of Landlock; 0 is none.
        seccomp: Whether system calls can be refused.
        own_user: Whether each child can be a user of its own; only where the server is root.
        user_namespace: Whether each child can have a user namespace of its own.
        root: Whether the server is root, whose processes the kernel never counts.
        off: Whether nothing of it is used, as the operator decided.
    """

    landlock: int = 0
    seccomp: bool = False
    own_user: bool = False
    user_namespace: bool = False
    root: bool = False
    off: bool = False

    @property
    def counts_processes(self) -> bool:
        """Whether the kernel counts the processes of a call apart from all others."""
        return self.own_user or (self.user_namespace and not self.root)

    @property
    def walls(self) -> tuple[Wall, ...]:
        """The full set, with what each is made of here."""
        if self.off:
            return (Wall("all", "", OFF),)
        reads = "no Landlock: R code can read every file that the server can"
        connects = "no seccomp: R code can open connections and reach for other processes"
        uncounted = "no user or user namespace for each call: "
        uncounted += (
            "nothing but a look now and then limits how many processes one starts"
            if self.root
            else "one that starts too many keeps others from starting any"
        )
        who = "a user of its own" if self.own_user else "a user namespace of its own"
        return (
            Wall(
                "files",
                f"Landlock, version {self.landlock}" if self.landlock else "",
                reads if self.own_user else f"{reads}, and change it",
            ),
            Wall(
                "system calls",
                "seccomp" if self.seccomp else "",
                connects if seccomp.available() else f"{connects}; libseccomp2 is not installed",
            ),
            Wall("each call", who if self.counts_processes else "", uncounted),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there of the full set, a sentence each."""
        return tuple(wall.lack for wall in self.walls if not wall.made_of)

    def to_wire(self) -> dict[str, Any]:
        """Returns the facts as plain values, `missing` among them."""
        return asdict(self) | {"missing": list(self.missing)}

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Host:
        """Returns what to_wire() was called on."""
        return cls(**{field.name: wire[field.name] for field in fields(cls)})


def host_for(mode: Mode, state: Path) -> Host:
    """Returns what the walls will be made of, and says in the log what is missing.

    Raises:
        WallsMissing: something is, and all of it is required.
    """
    if mode == "off":
        log.warning(OFF)
        return Host(off=True)
    host = probe(state)
    if mode == "require" and host.missing:
        raise WallsMissing(host.missing)
    for lack in host.missing:
        log.warning("a wall is missing: %s", lack)
    return host


def probe(folder: Path | None = None) -> Host:
    """Returns what this host gives to a server whose state is in `folder`.

    Forks: each wall is tried in a process of its own.
    """
    is_root = privileges.is_root()
    return Host(
        landlock=landlock.abi() if _works(_confine) else 0,
        seccomp=_works(_refuse),
        own_user=is_root and _can_change_user(folder),
        user_namespace=_works(privileges.enter_user_namespace),
        root=is_root,
    )


def _confine() -> None:
    seccomp.gain_no_privileges()
    landlock.Ruleset(landlock.abi(), network=False).enforce()
    with contextlib.suppress(PermissionError):
        list(Path("/").iterdir())
        raise OSError("Landlock does not hold")


def _refuse() -> None:
    situation = refused_calls.Situation(
        network=False, own_user=False, scoped_signals=True, guarded_truncate=True
    )
    seccomp.gain_no_privileges()
    rules = refused_calls.rules(situation)
    seccomp.load(seccomp.compile_filter(rules, newest=refused_calls.NEWEST))
    with contextlib.suppress(PermissionError):
        os.setsid()
        raise OSError("seccomp does not hold")


def _can_change_user(folder: Path | None) -> bool:
    """Whether another user can live in a folder of its own below the state folder."""
    if privileges.most_users() <= privileges.most_processes():
        return False
    if not privileges.has_capabilities(*privileges.NEEDED):
        return False
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home = Path(name)

        def live_there() -> None:
            user = privileges.user_of(os.getpid())
            os.chown(home, user, user)
            privileges.become_user(user)
            (home / "file").write_text("mine")
            list(home.parent.iterdir())

        return _works(live_there)


def _works(trial: Callable[[], None]) -> bool:
    """Whether `trial` goes well in a child of its own."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            trial()
            status = 0
        except OSError:
            pass
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def main() -> None:
    """Prints the facts; the only argument is the state folder, if there is one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print(json.dumps(probe(folder).to_wire()))  # noqa: T201  # what this is for


if __name__ == "__main__":
    main()
