"""Role: one of the processes that a server is made of, kept running."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from larder.process import ended_how, start

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Role:
    """How to start one process.

    Attributes:
        name: What the log calls it.
        command: The program and its arguments.
        environment: All its variables; None hands on our own.
        pass_fds: Open files that it inherits.
        serves_others: Whether the other roles need it: it is the last to be stopped.
        waits_s: How long it leaves the processors to the others when the server starts.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    pass_fds: tuple[int, ...] = ()
    serves_others: bool = False
    waits_s: float = 0.0


@dataclass(frozen=True)
class Backoff:
    """How long to wait before a role that died is started again.

    Attributes:
        first_s: After its first death.
        most_s: The pause doubles with every death until it is so long.
        forgiven_after_s: A role that ran so long starts to count anew.
    """

    first_s: float = 0.05
    most_s: float = 15.0
    forgiven_after_s: float = 30.0

    def pause_s(self, deaths: int) -> float:
        """The pause after so many deaths in a row."""
        return min(self.first_s * 2.0 ** min(deaths - 1, 30), self.most_s)


@dataclass
class RoleProcess:
    """A role's process: running, or to be started at `due`."""

    role: Role
    backoff: Backoff
    due: float | None = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started: float = 0.0
    _deaths: int = 0

    def __post_init__(self) -> None:
        self.due = time.monotonic() + self.role.waits_s

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return self._process.pid if self._process is not None else None

    def start_if_due(self) -> None:
        """Starts it when its pause is over."""
        now = time.monotonic()
        if self._process is not None or self.due is None or now < self.due:
            return
        self._started, self.due = now, None
        try:
            self._process = start(
                self.role.command,
                environment=self.role.environment,
                pass_fds=self.role.pass_fds,
            )
        except OSError as error:  # out of memory or processes: as if it had died
            self._pause(f"could not be started: {error}")
            return
        log.debug("role started role=%s pid=%d", self.role.name, self._process.pid)

    def look(self, *, stopping: bool = False) -> None:
        """Notices that it ended, and when to start it again."""
        status = self._process.poll() if self._process is not None else None
        if status is None:
            return
        self._process = None
        if stopping:
            log.debug("role stopped role=%s how=%s", self.role.name, ended_how(status))
        else:
            self._pause(ended_how(status))

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it and all of its group; it is not started again by itself."""
        self.due = None
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _pause(self, how: str) -> None:
        now = time.monotonic()
        if now - self._started >= self.backoff.forgiven_after_s:
            self._deaths = 0
        self._deaths += 1
        pause_s = self.backoff.pause_s(self._deaths)
        self.due = now + pause_s
        log.error("role died role=%s how=%s restart_in_s=%.3g", self.role.name, how, pause_s)
