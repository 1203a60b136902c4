"""Sessions in memory, as callers with keys have them."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from serving import wait_until
from worker import Worker, engine, worker

from jobs.access_key import new_secret
from jobs.repository import Catalog
from jobs.role import Role

pytestmark = pytest.mark.r


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    opened = Catalog.in_file(tmp_path_factory.mktemp("catalog") / "catalog.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> Iterator[Worker]:
    state: Path = tmp_path_factory.mktemp("callers")
    with engine(state), worker(state, catalog=catalog) as made:
        yield made


def calls_of(served: Worker, catalog: Catalog, name: str) -> httpx.Client:
    secret = new_secret()
    catalog.add_key(secret, name, Role.ANALYST)
    return httpx.Client(
        base_url=f"{served.url}/ocpu/library/base/R",
        headers={"Authorization": f"Bearer {secret}"},
        timeout=60,
        trust_env=False,
    )


def test_session_of_one_key_is_never_served_live_for_another(
    served: Worker, catalog: Catalog
) -> None:
    pool = served.services.pool
    with calls_of(served, catalog, "ann") as ann, calls_of(served, catalog, "bob") as bob:
        wait_until(lambda: ann.post("/identity", data={"x": "1:4"}).status_code == 201)
        key = ann.post("/identity", data={"x": "1:4"}).headers["x-ocpu-session"]
        wait_until(lambda: key in [one["key"] for one in pool.info()["live"]])
        before = pool.info()["served_live"]
        bob.post("/rev", data={"x": key})
        assert pool.info()["served_live"] == before
        assert ann.post("/rev/json", data={"x": key}).json() == [4, 3, 2, 1]
        assert pool.info()["served_live"] == before + 1
