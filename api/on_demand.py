"""What is installed when it is asked for: apps, packages of repositories, gists."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from api.install_refusals import NotInstalled
from api.refusals import Forbidden
from cache.clock import Clock, utcnow
from engine.errors import EngineError, InstallBusy, InstallFailed
from engine.install_policy import InstallPolicy
from engine.install_request import Source, canonical_name
from engine.installed import Installed
from engine.pool import Pool
from engine.shelf import Shelf

log = logging.getLogger(__name__)

MOST_WAITING = 24
"""Requests of one worker that may wait for installations: the others of its threads go on."""
FAILED_FOR_S = 30.0
"""Seconds for which what could not be installed is not tried again, and answered as it was."""
LOOK_AGAIN_AFTER_S = 900.0
"""Seconds after a look-up behind an answer failed, before the same is looked up again."""
REMEMBERED = 1000

Name = tuple[Source, str]


@dataclass
class OnDemand:
    """Finds installations, and makes those that the operator allows; for any number of threads.

    Attributes:
        shelf: What is installed.
        pool: Installs.
        policy: What may be installed when it is asked for.
        clock: Gives the moment.
    """

    shelf: Shelf
    pool: Pool
    policy: InstallPolicy
    clock: Clock = utcnow
    _waiting: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_WAITING)
    )
    _looking: threading.Lock = field(default_factory=threading.Lock)
    _failed: dict[Name, tuple[float, EngineError]] = field(default_factory=dict)

    def obtain(self, source: Source, name: str, *, may_install: bool = True) -> Installed:
        """Returns what is installed under this name, installing it first where that is allowed.

        `may_install` is whether it is for who asks.

        Blocks while it is installed. One that is older than the policy wants is looked up again
        behind the answer.

        Raises:
            NotInstalled: it is not there, and may not be installed.
            Forbidden: it is not there, and somebody else may have it installed.
            InstallFailed, InstallBusy, EngineUnavailable: it could not be installed.
        """
        found = self.shelf.find(source, name)
        if found is None and not may_install and self.policy.allows(source, name):
            raise Forbidden(f"{source}::{name} is not installed; a key with the role admin may")
        if found is None:
            return self._install(source, name)
        self._look_again(found)
        return found

    def installed(self, source: Source) -> list[Installed]:
        """Returns everything of this source that is installed."""
        return [found for found in self.shelf.all() if found.source == source]

    def _install(self, source: Source, name: str) -> Installed:
        if not self.policy.allows(source, name):
            raise NotInstalled(source, name)
        key: Name = (source, canonical_name(source, name))
        failed = self._failure(key, FAILED_FOR_S)
        if failed is not None:
            raise failed.with_traceback(None)
        if not self._waiting.acquire(blocking=False):
            raise InstallBusy(MOST_WAITING)
        try:
            found = self.pool.install(self.policy.request(source, name))
        except InstallFailed as error:
            if self._failure(key, FAILED_FOR_S) is None:  # the first of those who waited for it
                log.warning("not installed source=%s name=%s output=%s", source, name, error.log)
            self._remember(key, error)
            raise
        finally:
            self._waiting.release()
        self._failed.pop(key, None)
        return found

    def _look_again(self, found: Installed) -> None:
        """Has an old installation looked up at its origin; nobody waits for it, one at a time."""
        age_s = (self.clock() - found.checked_at).total_seconds()
        if age_s < self.policy.refresh_s or not self.policy.allows(found.source, found.name):
            return
        key: Name = (found.source, canonical_name(found.source, found.name))
        if self._failure(key, LOOK_AGAIN_AFTER_S) is not None:
            return
        if not self._looking.acquire(blocking=False):
            return
        thread = threading.Thread(
            target=self._look, args=(found, key), name="look-again", daemon=True
        )
        thread.start()

    def _look(self, found: Installed, key: Name) -> None:
        try:
            self.pool.install(self.policy.request(found.source, found.name, found.ref))
        except EngineError as error:
            self._remember(key, error)
            log.warning("not looked up again source=%s name=%s reason=%s", *key, error)
        finally:
            self._looking.release()

    def _failure(self, key: Name, within_s: float) -> EngineError | None:
        """Returns why the last attempt failed, if that was no longer ago."""
        failed_at, error = self._failed.get(key, (0.0, None))
        return error if time.monotonic() - failed_at < within_s else None

    def _remember(self, key: Name, error: EngineError) -> None:
        if len(self._failed) >= REMEMBERED:
            self._failed.clear()
        self._failed[key] = (time.monotonic(), error)
