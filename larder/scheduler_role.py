"""The scheduler role: keeps definitions and versions current, and runs jobs when it is time.

Run as `python -m larder.scheduler_role`; the settings come by `handover`. Whatever the other roles
do, this one waits for them: without an engine nothing is published and nothing fires.
"""

import logging
import os
import signal
from threading import Event

from cache.errors import CacheError
from cache.sweep import Sweep
from engine.errors import EngineError
from engine.pool import Pool
from jobs.audit_spool import AuditSpool
from jobs.errors import CatalogError
from jobs.notices import Notices
from jobs.pantry import Pantry
from jobs.project import SETTINGS_FILE
from jobs.repository import Catalog
from jobs.runs import Runner
from jobs.version_keeper import VersionKeeper
from larder import handover
from larder.auditor import Auditor
from larder.definitions import COUNTER, Definitions
from larder.housekeeping import Housekeeping
from larder.log import configure_log, warn_if_insecure
from larder.notifier import Notifier
from larder.settings import Settings
from larder.settings_change import tell_of_change
from larder.watcher import Watcher
from larder.wiring import open_catalog, open_pantry, open_pool, open_shelf, releases_keep_s
from scheduler.policy import FirePolicy
from scheduler.service import SchedulerService

log = logging.getLogger(__name__)

LOOK_EACH_S = 1.0
"""How often the engine is asked whether it has other models: one message over a socket."""
LEAVE_BEFORE_S = 1.0
"""So long before the end of the grace it stops waiting for runs: to be killed tells nothing."""


class SchedulerRole:
    """Everything that happens by itself in a project.

    Args:
        settings: The project's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._woken = Event()
        self._stop = False
        self._runs_stop = Event()
        self._changed: set[str] = set()
        self._started = False
        self._published_for: object = None
        self._pool: Pool = open_pool(settings)
        self._catalog: Catalog = open_catalog(settings)
        self._definitions = Definitions(settings, tell=True)
        self._pantry: Pantry = open_pantry(settings, self._pool, self._definitions.jobs)
        self._keeper = VersionKeeper(self._catalog, self._pool, self._pantry.versions)
        runner = Runner(
            self._pantry,
            self._catalog,
            self._keeper,
            stopping=self._runs_stop,
            spool=AuditSpool(settings.state_folder),
        )
        self._service = SchedulerService(
            self._catalog,
            lambda: self._pantry.jobs,
            runner.run,
            fires=settings.schedule.enabled,
            policy=FirePolicy(misfire_grace_s=settings.schedule.misfire_grace_s),
        )
        self._watcher = Watcher(settings.folder, self._note_change)
        sweep = Sweep(
            self._pantry.store,
            self._pantry.sessions,
            settings.sessions.keep_s,
            rows=self._pantry.rows_folder,
        )
        notices = Notices(self._pantry, self._catalog, settings.project_name, settings.public_url)
        self._notifier = Notifier(notices, settings.mailing, lambda: self._service.leading)
        keep_s = settings.audit.keep_s
        self._auditor = Auditor(settings.state_folder, self._catalog, keep_s=keep_s)
        self._housekeeping = Housekeeping(
            sweep,
            open_shelf(settings),
            self._pantry.calls,
            self._pantry.removed,
            calls_keep_s=settings.sessions.keep_s,
            releases_keep_s=releases_keep_s(settings),
        )

    def run(self) -> None:
        """Blocks until `stop`, then until the runs under way have ended or the grace is over."""
        self._watcher.start()
        self._housekeeping.start()
        self._auditor.start()
        self._notifier.start()
        while not self._stop:
            changed, self._changed = self._changed, set()
            if SETTINGS_FILE in changed:
                tell_of_change(self._settings)
            if changed:
                self._reload()
            self._follow_engine()
            self._woken.wait(LOOK_EACH_S)
            self._woken.clear()
        self._housekeeping.stop()
        self._notifier.stop()
        self._runs_stop.set()
        grace_s = max(0.0, self._settings.shutdown_grace_s - LEAVE_BEFORE_S)
        self._service.stop(grace_s=grace_s)
        self._auditor.stop()

    def stop(self) -> None:
        """Has `run` come to its end; may be called by a signal handler."""
        self._stop = True
        self._woken.set()

    def _note_change(self, names: set[str]) -> None:
        self._changed |= names
        self._woken.set()

    def _reload(self) -> None:
        if not self._definitions.reload():
            return
        self._pantry.use(self._definitions.jobs)
        self._published_for = None  # versions first: nobody must take an old answer for a new one
        self._follow_engine()
        self._pantry.generations.bump(COUNTER)
        if self._started:
            self._service.refresh()

    def _follow_engine(self) -> None:
        """Publishes the versions of all jobs when R code changed; then, once, starts the rest."""
        try:
            info = self._pool.info()
            found = (info["version"], info["r"]["version"])
            if found != self._published_for:
                self._pantry.removed.follow(self._catalog.live_entries(), self._pantry.jobs)
                self._keeper.publish(self._pantry.jobs.values())
                self._published_for = found
        except EngineError:
            return  # it is starting, or being restarted, and says so itself
        except (CacheError, CatalogError) as error:
            log.warning("versions not published reason=%s", error)
            return
        if not self._started:
            self._started = True
            # Files that changed while the processes started: some have read them, others not.
            self._pantry.generations.bump(COUNTER)
            self._service.start()


def main() -> None:
    """Runs the role until SIGTERM or SIGINT."""
    settings = handover.receive()
    configure_log(level=settings.log.level, form=settings.log.format, role="scheduler")
    if settings.is_exposed:
        warn_if_insecure(settings.host)
    role = SchedulerRole(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: role.stop())
    role.run()
    logging.shutdown()
    # Threads that wait for R must not keep the process: what they do is taken up at the next start.
    os._exit(0)


if __name__ == "__main__":
    main()
