"""Jobs, and a state folder to run them in, for tests of the domain."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes import FakePool, FixedClock

from cache.freshness import Freshness
from jobs.argument import ArgumentSpec
from jobs.grid import Axis, Grid
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.repository import Catalog
from jobs.rows_source import Rows, RowsSource
from jobs.runs import Runner
from jobs.table_source import CsvFile
from jobs.version_keeper import VersionKeeper

HOUR_S = 3600.0
WITHIN_S = 20.0  # for what comes in milliseconds unless the test is to fail


def gain_job(**changes: Any) -> Job:
    """Six cells, fresh for an hour, served stale for two more."""
    job = Job(
        name="weight_gain",
        package="scoring",
        function="gain",
        freshness=Freshness(HOUR_S, 2 * HOUR_S, 10 * HOUR_S),
        arguments=(
            ArgumentSpec("treatment", "string", values=("CBT", "FT")),
            ArgumentSpec("prewt", "number", min=60, max=110),
            ArgumentSpec("level", "number", default=0.95, required=False),
        ),
        grid=Grid((Axis("treatment", ("CBT", "FT")), Axis("prewt", (70, 80, 90)))),
    )
    return replace(job, **changes)


def price_job(csv: Path, **changes: Any) -> Job:
    """The rows of a CSV file by id, three to a batch."""
    job = Job(
        name="prices",
        package="scoring",
        function="price",
        freshness=Freshness(HOUR_S, 2 * HOUR_S, 10 * HOUR_S),
        rows=Rows(CsvFile(csv), "id", "newdata", batch=3),
    )
    return replace(job, **changes)


def gain(treatment: str, prewt: float, level: float) -> Any:
    """What the tests' R function answers: one row, arguments among its columns."""
    change = {"CBT": 3.0, "FT": 7.0}[treatment] + (80 - prewt) / 10
    return [{"treatment": treatment, "gain": change, "width": level}]


def price(newdata: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What the tests' rows function answers: twice the carat."""
    return {"price": [2 * carat for carat in newdata["carat"]]}


@contextmanager
def open_pantry(
    state: Path, pool: Any, *jobs: Job, clock: FixedClock | None = None, **options: Any
) -> Iterator[Pantry]:
    pantry = Pantry(state, pool, JobSet(jobs), clock=clock or FixedClock(), **options)
    try:
        yield pantry
    finally:
        pantry.close()


@contextmanager
def closing_sources() -> Iterator[None]:
    """Closes what `read_rows` opened meanwhile."""
    try:
        yield
    finally:
        while _opened:
            _opened.pop().close()


_opened: list[RowsSource] = []


def read_rows(rows: Rows) -> RowsSource:
    """The source, which `closing_sources` closes."""
    source = RowsSource.read(rows)
    _opened.append(source)
    return source


class Kitchen:
    """A pantry, a catalog and a runner over one state folder, and the clock of all three."""

    def __init__(self, state: Path, *jobs: Job, pool: Any = None, owner: str | None = None) -> None:
        self.clock = FixedClock()
        self.pool: FakePool = pool or FakePool(gain=gain, price=price)
        self.pantry = Pantry(state, self.pool, JobSet(jobs), clock=self.clock)
        self.catalog = Catalog.in_file(state / "catalog.db", clock=self.clock)
        self.catalog.migrate()
        self.keeper = VersionKeeper(self.catalog, self.pool, self.pantry.versions)
        self.stopping = threading.Event()
        self.runner = Runner(
            self.pantry,
            self.catalog,
            self.keeper,
            owner=owner,
            workers=1,
            stopping=self.stopping,
        )

    def close(self) -> None:
        self.pantry.close()
        self.catalog.close()
