"""The walls around a child: who it is, which system calls it has, which files it can touch.

Made in the forking parent, put up in each child: all that does not depend on the call as soon as
the child is there, the files when its first call is known. Nothing is ever taken down again, and
all that the child starts has them too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from engine import landlock, privileges, seccomp
from engine.host import Host
from engine.reach import DEVICES, Reach
from engine.refused_calls import NEWEST, Situation, rules


class Walls:
    """The walls that a host gives.

    Args:
        host: what there is.
        system: the paths of R and of the system that every call may read.
        project: those of the project and of the operator. They may be replaced at any time, so they
            are looked up when a call is known.
    """

    def __init__(self, host: Host, system: tuple[str, ...], project: tuple[str, ...]) -> None:
        self._host = host
        # Folders of the system stay; a file of /etc is replaced when it is changed.
        folders = [path for path in system if host.landlock and Path(path).is_dir()]
        self._folders = [landlock.open_folder(path) for path in folders]
        self._files = [path for path in system if path not in folders]
        self._system = system
        self._project = project
        self._filters = {network: self._filter(network=network) for network in (False, True)}
        self._ruleset: landlock.Ruleset | None = None

    @property
    def counts_processes(self) -> bool:
        """Whether the kernel counts a child's processes apart from all others."""
        return self._host.counts_processes

    @property
    def own_user(self) -> bool:
        """Whether each child is a user of its own."""
        return self._host.own_user

    def put_up(self, parent_pid: int, *, network: bool) -> None:
        """Puts up in this child what does not depend on the call.

        Raises:
            OSError: the kernel refuses what it granted when the host was looked at.
        """
        os.umask(0o077)
        self._settle_who()
        # Behind the change of user, which makes the kernel forget it.
        privileges.end_with_parent(signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)
        seccomp.gain_no_privileges()
        if self._host.landlock:
            self._ruleset = landlock.Ruleset(self._host.landlock, network=network)
            self._ruleset.read_folders(self._folders)
            self._begin(self._files)
        for descriptor in self._folders:
            os.close(descriptor)
        if self._host.seccomp:
            seccomp.load(self._filters[network])

    def narrow(self) -> None:
        """Prepares narrower walls around files, in a process that was forked from another child.

        Raises:
            OSError: the kernel refuses.
        """
        if self._host.landlock:
            self._ruleset = landlock.Ruleset(self._host.landlock, network=False)
            self._begin(self._system)

    def close(self, reach: Reach) -> None:
        """Leaves this child with the files that every call may read, and those in its reach.

        Raises:
            OSError: the kernel refuses.
        """
        if self._ruleset is not None:
            self._ruleset.read((*self._project, *reach.read))
            self._ruleset.write(reach.write)
            self._ruleset.enforce()
            self._ruleset = None

    def _begin(self, paths: Iterable[str]) -> None:
        assert self._ruleset is not None  # noqa: S101  # the callers have made it
        self._ruleset.read((*paths, f"/proc/{os.getpid()}"))
        self._ruleset.devices(DEVICES)

    def _settle_who(self) -> None:
        if self._host.own_user:
            privileges.become_user(privileges.user_of(os.getpid()))
            return
        if self._host.counts_processes:
            privileges.enter_user_namespace()
        if not self._host.off:
            privileges.keep_capabilities()

    def _filter(self, *, network: bool) -> bytes:
        if not self._host.seccomp:
            return b""
        version = self._host.landlock
        situation = Situation(
            network=network,
            own_user=self._host.own_user,
            scoped_signals=version >= landlock.SCOPES_SIGNALS,
            guarded_truncate=version >= landlock.SCOPES_TRUNCATE,
        )
        return seccomp.compile_filter(rules(situation), newest=NEWEST)
