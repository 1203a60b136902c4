"""The auditor: takes what is spooled into the chain, and drops what is old, in a thread of its own.

The scheduler of each machine does. Where an API worker finds that nobody does, as beside no
scheduler, it takes the work over.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

from cache.clock import Clock, utcnow
from cache.errors import CacheError
from jobs.audit_gatherer import AuditGatherer
from jobs.audit_spool import FOLDER
from jobs.errors import CatalogError
from jobs.repository import Catalog

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
STAND_BY_S: Final = 5.0
"""How often somebody who only stands by looks whether anybody else is at work."""
RETENTION_EVERY_S: Final = 3600.0
NOTE_EVERY_S: Final = 3600.0
LOCK: Final = "auditor"


class Auditor:
    """Gathers in a thread, as long as no other process of this machine does.

    Args:
        state: The state folder.
        catalog: Where the chain is.
        keep_s: How long rows are kept.
        stands_by: Whether it is another process's work as a rule.
        clock: Gives the moment.
    """

    def __init__(
        self,
        state: Path,
        catalog: Catalog,
        *,
        keep_s: float,
        stands_by: bool = False,
        clock: Clock = utcnow,
    ) -> None:
        self._folder = state / FOLDER
        self._gatherer = AuditGatherer(state, catalog)
        self._catalog = catalog
        self._keep = timedelta(seconds=keep_s)
        self._stands_by = stands_by
        self._clock = clock
        self._stop = Event()
        self._thread = Thread(target=self._work, name="auditor", daemon=True)

    def start(self) -> None:
        """Begins; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Gathers once more, and ends."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        if self._stands_by:
            self._stop.wait(STAND_BY_S)
        while (lock := self._take_over()) is None:
            if self._stop.wait(STAND_BY_S if self._stands_by else EVERY_S):
                return
        retained, noted = float("-inf"), time.monotonic()
        try:
            while True:
                is_last = self._stop.is_set()
                self._do(self._gatherer.gather)
                now = time.monotonic()
                if now - retained > RETENTION_EVERY_S:
                    retained = now
                    self._do(self._drop)
                if is_last or now - noted > NOTE_EVERY_S:
                    noted = now
                    self._do(self._note)
                if is_last:
                    return
                self._stop.wait(EVERY_S)
        finally:
            os.close(lock)

    def _take_over(self) -> int | None:
        """Returns the lock of who gathers on this machine; None where somebody else has it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("audit is late reason=%s", error)
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _drop(self) -> None:
        while dropped := self._catalog.drop_audit(self._clock() - self._keep):
            log.info("audit rows dropped count=%d", dropped)
            if self._stop.is_set():
                return

    def _note(self) -> None:
        """Has the log say where the chain ends: a log that is kept elsewhere proves it later."""
        chain = self._catalog.audit_chain()
        if chain is not None:
            log.info("audit checkpoint row=%d hash=%s", chain.last, chain.hash)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (CatalogError, CacheError) as error:
            log.warning("audit is late reason=%s", error)
