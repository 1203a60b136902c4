"""The api role: one of the processes that answer requests on the listening socket they share.

Run as `python -m larder.api_role NAME DESCRIPTOR`; the settings come by `handover`.
"""

import socket
import sys
from threading import Event, Thread

import uvicorn

from api.app import create_app
from api.audit_layer import AuditLayer
from api.services import Services
from cache.generations import Generations
from engine.pool import Pool
from jobs.pantry import Pantry
from jobs.repository import Catalog
from larder import handover
from larder.auditor import Auditor
from larder.connection import protocol_within
from larder.definitions import COUNTER, Definitions
from larder.http_protocol import audited_protocol
from larder.log import configure_log, warn_if_insecure
from larder.settings import Settings
from larder.wiring import (
    access_config,
    audit_config,
    connection_limits,
    limits_of,
    ocpu_config,
    open_catalog,
    open_pantry,
    open_pool,
    open_shelf,
)

LOOK_EACH_S = 0.2
"""How often a worker looks whether the scheduler took over changed definitions."""
KEEP_ALIVE_S = 75


class ApiRole:
    """One API worker.

    Args:
        settings: The project's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: Pool = open_pool(settings)
        self._catalog: Catalog = open_catalog(settings)
        self._stop = Event()
        self._server: uvicorn.Server | None = None
        # The counter first: what changes while the files are read is then read again.
        self._generation = self._read_counter(settings)
        self._definitions = Definitions(settings)
        self._pantry: Pantry = open_pantry(settings, self._pool, self._definitions.jobs)

    def run(self, listening: socket.socket) -> None:
        """Answers requests until SIGTERM, then until those under way are answered."""
        follower = Thread(target=self._follow, name="definitions", daemon=True)
        follower.start()
        keep_s, state = self._settings.audit.keep_s, self._settings.state_folder
        auditor = Auditor(state, self._catalog, keep_s=keep_s, stands_by=True)
        auditor.start()
        app = self.app()
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=audited_protocol(app, protocol_within(connection_limits(self._settings))),
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(self._settings.shutdown_grace_s) or None,
        )
        self._server = uvicorn.Server(config)
        try:
            self._server.run(sockets=[listening])
        finally:
            self._stop.set()
            follower.join()
            auditor.stop()
            self._pantry.close()
            self._catalog.close()
            self._pool.close()

    def app(self) -> AuditLayer:
        """The ASGI application."""
        services = Services(
            pantry=self._pantry,
            pool=self._pool,
            sessions=self._pantry.sessions,
            state_folder=self._settings.state_folder,
            shelf=open_shelf(self._settings),
            project=self._settings.project_name,
            call_limits=limits_of(self._settings),
            ocpu=ocpu_config(self._settings),
            lists_sessions=self._settings.is_loopback,
            is_stopping=self._is_stopping,
            access=access_config(self._settings),
            audit=audit_config(self._settings),
        )
        return create_app(services, self._catalog)

    def _is_stopping(self) -> bool:
        return self._server is not None and self._server.should_exit

    def _follow(self) -> None:
        """Takes over changed definitions, once the scheduler has found them without mistake."""
        while not self._stop.wait(LOOK_EACH_S):
            generation = self._pantry.generations.read(COUNTER)
            if generation != self._generation:
                self._generation = generation
                if self._definitions.reload():
                    self._pantry.use(self._definitions.jobs)

    @staticmethod
    def _read_counter(settings: Settings) -> int:
        generations = Generations(settings.state_folder / "generations")
        try:
            return generations.read(COUNTER)
        finally:
            generations.close()


def main() -> None:
    """Runs one worker."""
    name, descriptor = sys.argv[1:3]
    settings = handover.receive()
    configure_log(level=settings.log.level, form=settings.log.format, role=name)
    if settings.is_exposed:
        warn_if_insecure(settings.host)
    with socket.socket(fileno=int(descriptor)) as listening:
        ApiRole(settings).run(listening)


if __name__ == "__main__":
    main()
