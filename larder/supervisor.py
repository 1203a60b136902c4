"""Supervisor: keeps the roles of a server running, and stops them in order.

Each role is a child process. One that dies is started again after a pause and takes no other with
it. At the first SIGTERM, SIGINT or SIGHUP the roles are asked to finish what they are doing, those
that others need last; what is left when the grace is over, or at a second signal, is killed. If
this process itself is killed, the kernel kills every role.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence

from larder.process import adopt_orphans
from larder.role import Backoff, Role, RoleProcess
from larder.signals import Signals
from larder.strays import end_strays

log = logging.getLogger(__name__)

LAST_GRACE_S = 5.0
"""What the roles that others need have at least, once those others have ended."""

Chore = Callable[[], float | None]
"""Something to do beside: returns after how many seconds it wants to be called again, if ever."""


class Supervisor:
    """Runs roles until it is asked to stop.

    Args:
        roles: What to run; started in this order, all at once.
        grace_s: How long the roles have to finish when the server stops.
        backoff: Pauses between restarts.
        chore: Called beside the watching, for what has to wait until the roles are up.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        *,
        grace_s: float,
        backoff: Backoff | None = None,
        chore: Chore | None = None,
    ) -> None:
        self._processes = [RoleProcess(role, backoff or Backoff()) for role in roles]
        self._grace_s = grace_s
        self._chore = chore
        self._chore_due = 0.0 if chore is not None else None

    def run(self) -> bool:
        """Blocks until everything has ended; returns whether all of it ended when asked to."""
        adopt_orphans()
        with Signals() as signals:
            while not signals.stops:
                self._keep_running()
                signals.wait(self._pause_s())
            return self._stop(signals)

    def _keep_running(self) -> None:
        for process in self._processes:
            process.look()
            process.start_if_due()
        self._end_strays()
        if self._chore is not None and _is_due(self._chore_due):
            again_in_s = self._chore()
            self._chore_due = None if again_in_s is None else time.monotonic() + again_in_s

    def _pause_s(self) -> float | None:
        dues = [process.due for process in self._processes if process.due is not None]
        if self._chore_due is not None:
            dues.append(self._chore_due)
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _stop(self, signals: Signals) -> bool:
        log.info("stopping grace_s=%g", self._grace_s)
        end = time.monotonic() + self._grace_s
        willing = True
        for needed in (False, True):
            stage = [one for one in self._processes if one.role.serves_others is needed]
            for process in stage:
                process.signal(signal.SIGTERM)
            least = time.monotonic() + min(LAST_GRACE_S, self._grace_s)
            willing &= self._wait_for(stage, signals, end if not needed else max(end, least))
        self._end_all_strays(signals)
        log.info("stopped" if willing else "stopped, not all of it by itself")
        return willing

    def _wait_for(self, stage: Sequence[RoleProcess], signals: Signals, end: float) -> bool:
        """Waits until these have ended, killing them when the time or the patience is over."""
        willing = True
        while running := list(_running(stage)):
            left_s = end - time.monotonic()
            if willing and (left_s <= 0 or signals.stops > 1):
                willing = False
                names = ", ".join(process.role.name for process in running)
                log.warning("killing what has not ended roles=%s", names)
                for process in running:
                    process.signal(signal.SIGKILL)
            signals.wait(max(0.0, left_s) if willing else None)
            for process in self._processes:
                process.look(stopping=True)
        return willing

    def _end_strays(self) -> bool:
        return end_strays({process.pid for process in self._processes if process.pid is not None})

    def _end_all_strays(self, signals: Signals) -> None:
        end = time.monotonic() + LAST_GRACE_S
        while self._end_strays() and time.monotonic() < end:
            signals.wait(0.05)


def _running(stage: Sequence[RoleProcess]) -> Iterator[RoleProcess]:
    for process in stage:
        process.look(stopping=True)
        if process.pid is not None:
            yield process


def _is_due(moment: float | None) -> bool:
    return moment is not None and time.monotonic() >= moment
