"""The project that is measured: the example, without schedules, with a table of any size beside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow import csv, parquet
from ruamel.yaml import YAML

from jobs.job import Job
from jobs.job_set import JobSet
from jobs.project import load_project
from jobs.records import Run
from jobs.runs import Runner
from jobs.scope import EVERYTHING
from jobs.status import Cause, RunStatus
from jobs.version_keeper import VersionKeeper
from larder.settings import load_settings
from larder.wiring import open_catalog, open_pantry, open_pool

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "scoring"

TABLE_MODEL = """\
# A table of so many rows: an answer of any size.
bench_table <- function(rows) {
  id <- seq_len(rows)
  data.frame(id = id, estimate = sqrt(id), label = paste("row", id))
}
"""
TABLE_JOB = """\
version: 1
jobs:
  bench_table:
    function: scoring::bench_table
    args: {rows: {type: integer, min: 1, max: 100000}}
    cache: {fresh_for: 1 day}
"""
CHEAP_CELLS = 20_000
KEPT_CELLS = 1000
MANY_CELLS = (1_000, 10_000, 100_000)
ROWS = (10_000, 100_000, 1_000_000)
JOBS_MODEL = """\
# A cell that costs R next to nothing, and a vectorised answer of three columns.
bench_cell <- function(x, y) data.frame(value = sqrt(x) + y)
bench_rows <- function(newdata) {
  price <- exp(7 + 1.6 * log(newdata$carat)) * (1 + (newdata$cut == "Ideal") / 10)
  data.frame(price = round(price, 2), lower = round(price * 0.9, 2), upper = round(price * 1.1, 2))
}
"""
CELLS_JOB = """\
  bench_cells{name}:
    function: scoring::bench_cell
    args: {{x: {{type: integer}}, y: {{type: integer}}}}
    grid: {{x: {{from: 1, to: {most}}}, y: {{from: 1, to: 10}}}}
    {more}
"""
ROWS_JOB = """\
  bench_rows_{size}:
    function: scoring::bench_rows
    rows: {{from: {{csv: data/bench_rows_{size}.csv}}, key: id, pass_as: newdata, batch: 20000}}
  bench_rows_{size}_parquet:
    function: scoring::bench_rows
    rows:
      {{from: {{parquet: data/bench_rows_{size}.parquet}}, key: id, pass_as: newdata, batch: 20000}}
"""


def make_project(folder: Path) -> Path:
    """A copy of the example whose jobs run only when they are told to."""
    project = folder / "scoring"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns(".larder"))
    yaml = YAML()
    for path in (project / "jobs").glob("*.yaml"):
        document = yaml.load(path)
        for job in document["jobs"].values():
            job.pop("schedule", None)
        yaml.dump(document, path)
    (project / "models" / "bench_table.R").write_text(TABLE_MODEL)
    (project / "jobs" / "bench_table.yaml").write_text(TABLE_JOB)
    _add_jobs(project)
    return project


def _add_jobs(project: Path) -> None:
    """The jobs that are run at scale; their tables are written when they are measured."""
    parts = [
        "version: 1\njobs:\n",
        CELLS_JOB.format(name="", most=CHEAP_CELLS // 10, more="sessions: none"),
        CELLS_JOB.format(name="_kept", most=KEPT_CELLS // 10, more="sessions: keep"),
        CELLS_JOB.format(name="_apart", most=10, more="isolation: cell"),
    ]
    parts += [
        CELLS_JOB.format(name=f"_{size}", most=size // 10, more="sessions: none")
        for size in MANY_CELLS
    ]
    for size in ROWS:
        table = project / "data" / f"bench_rows_{size}.csv"
        table.write_text("id,carat,depth,cut\n")
        parquet.write_table(csv.read_csv(table), table.with_suffix(".parquet"))
        parts.append(ROWS_JOB.format(size=size))
    (project / "models" / "bench_jobs.R").write_text(JOBS_MODEL)
    (project / "jobs" / "bench_jobs.yaml").write_text("".join(parts))


@dataclass(frozen=True)
class Jobs:
    """Runs jobs as `larder run --only all` does: here, with R in the running server's engine."""

    set: JobSet
    runner: Runner

    def job(self, name: str) -> Job:
        return self.set.job(name)

    def run(self, name: str) -> Run:
        done = self.runner.run(self.job(name), Cause.MANUAL, scope=EVERYTHING)
        assert done.status is RunStatus.SUCCEEDED, done
        return done


@contextmanager
def open_jobs(project: Path) -> Iterator[Jobs]:
    settings = load_settings(project)
    found = load_project(project, name=settings.project_name, timezone=settings.timezone)
    jobs = JobSet(found.jobs.values())
    catalog, pool = open_catalog(settings), open_pool(settings)
    pantry = open_pantry(settings, pool, jobs)
    try:
        keeper = VersionKeeper(catalog, pool, pantry.versions)
        yield Jobs(jobs, Runner(pantry, catalog, keeper))
    finally:
        pantry.close()
        pool.close()
        catalog.close()
