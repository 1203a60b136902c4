"""Installing what was pushed: begun at once, and gone on with when nobody waits any more."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from engine.errors import EngineError, InstallBusy, InstallFailed
from engine.install_policy import InstallPolicy
from engine.installed import Installed
from engine.pool import Pool

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Deployments of one worker under way."""


@dataclass
class Deployments:
    """Installs apps because they were pushed.

    Attributes:
        pool: Installs.
        policy: Says where from.
        answer_within_s: Seconds for which whoever told of the push waits: GitHub gives up at ten.
    """

    pool: Pool
    policy: InstallPolicy
    answer_within_s: float = 8.0
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE)
    )

    def begin(self, name: str, commit: str) -> Future[Installed]:
        """Has the newest commit of the default branch installed; returns at once.

        `commit` is the one that was pushed. It is not asked for by name: an old delivery that is
        sent again must not bring an old commit back. The Future raises what the engine raises, and
        the outcome goes to the log.

        Raises:
            InstallBusy: too many are under way.
        """
        if not self._places.acquire(blocking=False):
            raise InstallBusy(AT_ONCE)
        future: Future[Installed] = Future()
        threading.Thread(
            target=self._deploy, args=(name, commit, future), name="deployment", daemon=True
        ).start()
        return future

    def _deploy(self, name: str, commit: str, future: Future[Installed]) -> None:
        began = time.monotonic()
        try:
            request = self.policy.request("github", name)
            installed = self.pool.install(request)
            if installed.commit != commit:
                # It may have joined one that had begun before the push.
                installed = self.pool.install(request)
        except EngineError as error:
            output = error.log if isinstance(error, InstallFailed) else ""
            log.warning("not installed app=%s reason=%s output=%s", name, error, output)
            future.set_exception(error)
        except BaseException as error:
            future.set_exception(error)
            raise
        else:
            took_s = time.monotonic() - began
            log.info("installed app=%s commit=%s took_s=%.1f", name, installed.commit, took_s)
            future.set_result(installed)
        finally:
            self._places.release()
