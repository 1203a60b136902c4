"""The example's jobs with a prepared answer, and an application that has nothing else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
from fakes import NoPool
from serving import EXAMPLE
from starlette.types import ASGIApp

from api.access_config import AccessConfig
from api.app import create_app
from api.services import Services
from cache.body import Body
from cache.clock import utcnow
from cache.entry import Entry
from engine.shelf import Shelf
from jobs.access_key import AccessKey
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.project import load_project


class NoCatalog:
    """A catalog that must not be asked, but for the keys that there are not."""

    def access_keys(self) -> list[AccessKey]:
        return []

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the catalog was asked: {name}")


def example_jobs() -> JobSet:
    return JobSet(load_project(EXAMPLE, name="scoring", timezone="UTC").jobs.values())


def keep(pantry: Pantry, *, age_s: float = 0, **bodies: bytes) -> Entry:
    job = pantry.jobs.job("weight_gain")
    arguments = job.arguments_from_query([("treatment", "CBT"), ("prewt", "80")])
    computed_at = utcnow() - timedelta(seconds=age_s)
    fresh_until, stale_until, keep_until = job.freshness.until(computed_at)
    entry = Entry(
        cache_key=job.cache_key(arguments),
        function=job.qualified,
        job=job.name,
        version="v1",
        session_key="x0123456789abcd",
        arguments={"treatment": "CBT", "prewt": 80, "level": 0.95},
        computed_at=computed_at,
        duration_s=0.1,
        fresh_until=fresh_until,
        stale_until=stale_until,
        keep_until=keep_until,
        pinned=True,
        tags=(),
        seed=None,
        bodies={name: Body.of(content, "application/json") for name, content in bodies.items()},
        listing=("R/.val", "stdout"),
    )
    pantry.store.put(entry)
    return entry


def application(
    pantry: Pantry, folder: Path, catalog: Any = None, access: AccessConfig | None = None
) -> ASGIApp:
    """The application of a worker whose R and catalog must not be touched."""
    shelf = Shelf(folder / "apps")
    services = Services(pantry, NoPool(), pantry.sessions, folder, shelf)  # type: ignore[arg-type]
    services.access = access or services.access
    services._facts = (1e12, {"version": "R version 4", "locale": "C.UTF-8"})
    return create_app(services, catalog or NoCatalog())


def ask(
    pantry: Pantry, tmp_path: Path, method: str, url: str, *, catalog: Any = None, **options: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(application(pantry, tmp_path, catalog))

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, url, **options)

    return anyio.run(asked)
