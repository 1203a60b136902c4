"""One API worker in this process, over a real engine and a real HTTP server."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from compiled import furnish, keep
from prepared import NoCatalog
from serving import ROOT, wait_until

from api.app import create_app
from api.ocpu_config import OcpuConfig
from api.services import Services
from engine.broker import BrokerConfig
from engine.errors import EngineUnavailable
from engine.install_policy import InstallPolicy
from engine.pool import Pool
from engine.shelf import Shelf
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.repository import Catalog


@contextmanager
def engine(state: Path, **config: Any) -> Iterator[Path]:
    """A broker on a state folder; gives the folder once R answers."""
    wanted = BrokerConfig(
        socket=str(state / "engine.sock"),
        state=str(state),
        sessions_root=str(state / "sessions"),
        **{"spares": 1, **config},
    )
    furnish(state)
    command = [sys.executable, "-m", "engine.broker", wanted.to_json()]
    process = subprocess.Popen(command, cwd=ROOT)
    pool = Pool(state / "engine.sock")

    def is_ready() -> bool:
        try:
            pool.info()
        except EngineUnavailable:
            return False
        return True

    try:
        wait_until(is_ready)
        keep(state)
        yield state
    finally:
        pool.close()
        process.terminate()
        process.wait(20)


@dataclass
class Worker:
    """An API worker, and a client of it whose URLs begin below /ocpu."""

    services: Services
    url: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=f"{self.url}/ocpu", timeout=120, trust_env=False)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)


@contextmanager
def worker(
    state: Path,
    *,
    install: InstallPolicy | None = None,
    jobs: JobSet | None = None,
    pool: Any = None,
    pantry: dict[str, Any] | None = None,
    catalog: Catalog | None = None,
    **services: Any,
) -> Iterator[Worker]:
    """A worker on a state folder, where an engine runs unless there is another `pool`."""
    asked = pool or Pool(state / "engine.sock")
    kept = Pantry(state, asked, jobs, **(pantry or {}))
    ocpu = services.pop("ocpu", None) or OcpuConfig(install=install or InstallPolicy())
    wired = Services(
        *(kept, asked, kept.sessions, state, Shelf(state / "apps")), ocpu=ocpu, **services
    )
    if pool is not None:
        wired._facts = (1e12, {"version": "R version 4.2.2", "locale": "C.UTF-8"})
    app = create_app(wired, catalog or NoCatalog())
    config = uvicorn.Config(app, ws="none", lifespan="off", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        wait_until(lambda: server.started)
        made = Worker(wired, f"http://127.0.0.1:{listening.getsockname()[1]}")
        try:
            yield made
        finally:
            made.client.close()
            server.should_exit = True
            thread.join()
            kept.close()
            if pool is None:
                asked.close()
