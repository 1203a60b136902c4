"""A server that asks for keys, over a real engine: a project, and its prepared answers.

The project's functions are `ward::dose`, which the job `dose` declares, `ward::hush`, which only
the job `private` does, `ward::age`, over rows that R makes, and `ward::spare`, which none does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fakes import FixedClock
from worker import Worker, engine, worker

from api.access_config import AccessConfig
from api.key_ring import COUNTER
from engine.pool import Pool
from jobs.access_key import new_secret
from jobs.job_set import JobSet
from jobs.project import load_project
from jobs.repository import Catalog
from jobs.role import Role
from jobs.runs import Runner
from jobs.status import Cause
from jobs.version_keeper import VersionKeeper

MODELS = """
dose <- function(weight, unit = "mg") {
  plot(weight)
  data.frame(weight = weight, dose = 2 * weight, unit = unit)
}
hush <- function(x) 10 * x
age <- function(newdata) data.frame(age = newdata$born + 1)
spare <- function(x, f = NULL) if (is.null(f)) x else f(x)
"""
JOBS = """
version: 1
jobs:
  dose:
    function: ward::dose
    args:
      weight: {type: number, min: 1, max: 100}
      unit: {type: string, default: mg}
    grid: {weight: [10, 20, 30]}
    schedule: manual
    outputs: [json, csv]
    cache: {fresh_for: 1 hour, serve_stale_for: 1 day, keep: 10 days}
  private:
    function: ward::hush
    args: {x: {type: number}}
    grid: {x: [1, 2]}
    schedule: manual
    cache: {fresh_for: 1 hour, serve_stale_for: 1 day, keep: 10 days}
  ages:
    function: ward::age
    rows:
      from: {r: "data.frame(id = 1:4, born = 1:4)"}
      key: id
      pass_as: newdata
    schedule: manual
    cache: {fresh_for: 1 hour, serve_stale_for: 1 day, keep: 10 days}
"""
PREPARED = "/v1/results/dose?weight=20"


@dataclass
class Ward:
    """A worker, its keys, and how often R was asked."""

    worker: Worker
    catalog: Catalog
    clock: FixedClock
    pool: Pool

    def key(self, name: str, role: Role, **limits: Any) -> str:
        """Makes a key and returns its text; who had one of this name has it no more."""
        secret = new_secret()
        held = [key.id for key in self.catalog.access_keys() if key.name == name]
        self.catalog.revoke_keys(held)
        self.catalog.add_key(secret, name, role, **limits)
        self.worker.services.pantry.generations.bump(COUNTER)
        return secret

    def client(self, secret: str | None) -> httpx.Client:
        """Who shows this key."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=self.worker.url, headers=headers, timeout=60, trust_env=False)

    def asked(self) -> int:
        """How many children R was forked into, since it started."""
        return int(self.pool.info()["calls"])


@contextmanager
def ward(folder: Path, **access: Any) -> Iterator[Ward]:
    """A server whose jobs have run once; it asks for keys."""
    project, state = folder / "ward", folder / "state"
    for path, content in (("models/ward.R", MODELS), ("jobs/ward.yaml", JOBS)):
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text(content, encoding="utf-8")
    state.mkdir()
    jobs = JobSet(load_project(project, name="ward").jobs.values())
    clock = FixedClock()
    catalog = Catalog.in_file(state / "catalog.db", clock=clock)
    catalog.migrate()
    config = AccessConfig(is_open=False, **access)
    with (
        engine(state, project="ward", folder=str(project)) as running,
        worker(
            running, jobs=jobs, catalog=catalog, access=config, pantry={"clock": clock}
        ) as served,
    ):
        pantry, pool = served.services.pantry, Pool(running / "engine.sock")
        keeper = VersionKeeper(catalog, pantry.pool, pantry.versions)
        keeper.publish(jobs.values())
        runner = Runner(pantry, catalog, keeper, workers=1)
        for job in jobs.values():
            runner.run(job, Cause.MANUAL)
        try:
            yield Ward(served, catalog, clock, pool)
        finally:
            pool.close()
            catalog.close()


@contextmanager
def starting_no_r(place: Ward) -> Iterator[None]:
    """Holds that R is asked nothing meanwhile."""
    before = place.asked()
    yield
    assert place.asked() == before, "R was asked"
