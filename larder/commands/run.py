"""`larder run`: a job now, to its end."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from jobs.audit_spool import AuditSpool
from jobs.dry_run import dry_run as look
from jobs.job import Job
from jobs.job_set import JobSet
from jobs.owner import Owner
from jobs.pantry import Pantry
from jobs.records import Run
from jobs.repository import Catalog
from jobs.runs import BY_INTERRUPT, Runner
from jobs.scope import Only, Scope, narrowed
from jobs.spoken_time import span
from jobs.status import Cause, RunStatus
from jobs.version_keeper import VersionKeeper
from larder.cancellable import Cancellable
from larder.commands.arguments import HERE, AsJson, ProjectOption, as_pair
from larder.console import note, print_json, say
from larder.current_project import current_project
from larder.dry_run import dry_run_document, print_dry_run
from larder.exits import Exit
from larder.log import configure_log
from larder.on_record import system_user
from larder.private_engine import engine_for
from larder.run_progress import Tell, run_progress, skipped
from larder.runs_shown import run_for_programs
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import open_catalog, open_pantry


def run(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", show_default=False)],
    *,
    project: ProjectOption = HERE,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Only cells with this value; may be given several times. Of a rows job, its key.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        Only | None,
        typer.Option(help="Only these; all: fresh ones too.", show_default="stale and missing"),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be computed, and why; compute nothing."),
    ] = False,
    json: AsJson = False,
) -> None:
    """Run a job now: compute every cell, or row, that is not fresh. Ctrl-C cancels it.

    The running server's engine is used if there is one; otherwise R is started for this run.

    Examples:
        larder run weight_gain
        larder run weight_gain --only all
        larder run weight_gain --where treatment=CBT --where prewt=80 --where prewt=81
        larder run weight_gain --only stale --dry-run
        larder run diamond_prices --project examples/scoring --json
    """
    settings = load_settings(project)
    configure_log(level="warning", form="text")
    scope = Scope(_values(where or ()), only)
    if dry_run:
        with _kitchen(job, settings, scope) as kitchen:
            version = kitchen.keeper.preview(kitchen.job, kitchen.pantry.clock())
            seen = look(kitchen.job, scope, version, kitchen.pantry, kitchen.catalog)
        if json:
            print_json(dry_run_document(seen))
        else:
            print_dry_run(seen)
        return
    with run_progress(job) as tell:
        finished = _run(job, settings, tell, scope)
    if json:
        print_json(run_for_programs(finished))
    else:
        say(_summary(finished))
    if finished.status is not RunStatus.SUCCEEDED:
        raise typer.Exit(Exit.FAILED)


@dataclass(frozen=True)
class _Kitchen:
    """A job, and what it takes to run it."""

    job: Job
    catalog: Catalog
    pantry: Pantry
    keeper: VersionKeeper


@contextmanager
def _kitchen(name: str, settings: Settings, scope: Scope) -> Iterator[_Kitchen]:
    make_state_folder(settings.state_folder)
    jobs = JobSet(current_project(settings).jobs.values())
    job = jobs.job(name)
    narrowed(job, scope)  # its mistakes are told before R is started
    with (
        closing(open_catalog(settings)) as catalog,
        engine_for(settings) as pool,
        closing(open_pantry(settings, pool, jobs)) as pantry,
    ):
        yield _Kitchen(job, catalog, pantry, VersionKeeper(catalog, pool, pantry.versions))


def _run(name: str, settings: Settings, tell: Tell, scope: Scope) -> Run:
    with _kitchen(name, settings, scope) as kitchen:
        catalog = kitchen.catalog
        with closing(AuditSpool(settings.state_folder)) as spool:
            runner = Runner(
                kitchen.pantry, catalog, kitchen.keeper, spool=spool, caller=system_user()
            )
            return Cancellable(
                lambda: runner.run(kitchen.job, Cause.MANUAL, progress=tell, scope=scope),
                lambda: _cancel(catalog, name),
            ).result()


def _values(where: Sequence[str]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, text in map(as_pair, where):
        values[name] = (*values.get(name, ()), text)
    return values


def _cancel(catalog: Catalog, job: str) -> None:
    """Closes the run's row: the run notices, and ends what R does for it."""
    owner = str(Owner.here())
    for run in catalog.runs(job=job, status=[RunStatus.RUNNING]):
        if run.owner == owner:
            catalog.cancel_run(run.id, BY_INTERRUPT)
    note(f"{job} was cancelled; what it had computed is kept")


def _summary(run: Run) -> str:
    counts = f"{run.computed:,} computed, {run.fresh:,} fresh{skipped(run)}, {run.failed:,} failed"
    text = f"{run.job} {run.status.value} in {span(run.duration_s or 0)}: {counts}"
    if run.error:
        text = f"{text}\n{run.error}"
    return f"{text}\nwhat R said: larder runs {run.id}" if run.failed else text
