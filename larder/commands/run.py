"""`larder run`: a job now, to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from jobs.job_set import JobSet
from jobs.owner import Owner
from jobs.project import load_project
from jobs.records import Run
from jobs.repository import Catalog
from jobs.run_record import Progress
from jobs.runs import Runner
from jobs.status import Cause, RunStatus
from jobs.version_keeper import VersionKeeper
from larder.cancellable import Cancellable
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import err, note, print_json, say
from larder.exits import Exit
from larder.log import configure_log
from larder.private_engine import engine_for
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.times import iso, span
from larder.wiring import open_catalog, open_pantry

_LINE_EACH_PERCENT = 10

Tell = Callable[[Progress], None]


def run(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", show_default=False)],
    *,
    project: ProjectOption = HERE,
    force: Annotated[bool, typer.Option("--force", help="Compute what is fresh too.")] = False,
    json: AsJson = False,
) -> None:
    """Run a job now: compute every cell, or row, that is not fresh. Ctrl-C cancels it.

    The running server's engine is used if there is one; otherwise R is started for this run.

    Examples:
        larder run weight_gain
        larder run weight_gain --force
        larder run diamond_prices --project examples/scoring --json
    """
    settings = load_settings(project)
    configure_log(level="warning", form="text")
    with _progress(job) as tell:
        finished = _run(job, settings, tell, force=force)
    if json:
        print_json(_for_programs(finished))
    else:
        say(_summary(finished))
    if finished.status is not RunStatus.SUCCEEDED:
        raise typer.Exit(Exit.FAILED)


def _run(name: str, settings: Settings, tell: Tell, *, force: bool) -> Run:
    make_state_folder(settings.state_folder)
    zone = settings.timezone
    found = load_project(settings.folder, name=settings.project_name, timezone=zone)
    jobs = JobSet(found.jobs.values())
    job = jobs.job(name)
    catalog = open_catalog(settings)
    try:
        with engine_for(settings) as pool:
            pantry = open_pantry(settings, pool, jobs)
            try:
                runner = Runner(pantry, catalog, VersionKeeper(catalog, pool, pantry.versions))
                return Cancellable(
                    lambda: runner.run(job, Cause.MANUAL, progress=tell, force=force),
                    lambda: _cancel(catalog, name),
                ).result()
            finally:
                pantry.close()
    finally:
        catalog.close()


def _cancel(catalog: Catalog, job: str) -> None:
    """Closes the run's row: the run notices, or its process ends."""
    owner = str(Owner.here())
    for run in catalog.runs(job=job, status=[RunStatus.RUNNING]):
        if run.owner == owner:
            catalog.finish_run(run.id, RunStatus.CANCELLED)
    note(f"{job} was cancelled; what it had computed is kept")


@contextmanager
def _progress(job: str) -> Iterator[Tell]:
    """A bar on a terminal, a line now and then elsewhere; both on stderr."""
    if not err.is_terminal:
        yield _Lines(job)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(job, total=None, counts="starting R")
        yield lambda now: bar.update(
            task, total=now.total or None, completed=now.done, counts=_counts(now)
        )


class _Lines:
    """Tells the progress in plain lines, one for each tenth of the work."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._told = 0

    def __call__(self, now: Progress) -> None:
        percent = 100 * now.done // now.total if now.total else 100
        if percent >= self._told + _LINE_EACH_PERCENT or now.done == now.total > 0:
            self._told = percent
            note(f"{self._job}: {now.done:,} of {now.total:,} ({_counts(now)})")


def _counts(now: Progress) -> str:
    failed = f", {now.failed:,} failed" if now.failed else ""
    return f"{now.computed:,} computed, {now.fresh:,} fresh{_skipped(now)}{failed}"


def _skipped(counts: Progress | Run) -> str:
    return f", {counts.skipped:,} skipped: input unchanged" if counts.skipped else ""


def _summary(run: Run) -> str:
    counts = f"{run.computed:,} computed, {run.fresh:,} fresh{_skipped(run)}, {run.failed:,} failed"
    text = f"{run.job} {run.status.value} in {span(run.duration_s or 0)}: {counts}"
    return f"{text}\n{run.error}" if run.error else text


def _for_programs(run: Run) -> dict[str, object]:
    shown = {name: value for name, value in asdict(run).items() if name != "owner"}
    for name in ("scheduled_for", "started_at", "finished_at", "heartbeat_at"):
        shown[name] = iso(shown[name])
    return {**shown, "duration_s": run.duration_s}
