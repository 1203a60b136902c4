"""`larder runs`: what is run, was and will be, what failed and why, and the end of a run."""

import time
from contextlib import closing
from typing import Annotated

import typer

from cache.clock import utcnow
from jobs.job_set import JobSet
from jobs.records import Run
from jobs.repository import Catalog
from jobs.run_record import Progress
from jobs.status import RunStatus
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import counted, print_json, print_table, say
from larder.current_project import current_project
from larder.errors import Misused
from larder.exits import Exit
from larder.on_record import on_record, system_user
from larder.run_progress import run_progress
from larder.runs_shown import (
    failed_for_programs,
    run_for_programs,
    runs_table,
    say_failed,
    say_run,
)
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import open_catalog

LOOK_EACH_S = 0.5
ACTIONS = ("cancel", "follow")


def runs(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB | RUN | cancel | follow]",
            help="A job's name, a run's number, or what to do with the run that comes next.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        int | None,
        typer.Argument(metavar="[RUN]", help="Which run to cancel or follow.", show_default=False),
    ] = None,
    *,
    status: Annotated[
        RunStatus | None, typer.Option(help="Only runs in this state.", show_default=False)
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most so many runs, or failed cells.")
    ] = 20,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show runs, or one run with what R said of each cell that failed; cancel or follow one.

    Examples:
        larder runs
        larder runs weight_gain --status failed
        larder runs 17
        larder runs 17 --json --project examples/scoring
        larder runs cancel 17
        larder runs follow 17
    """
    settings = load_settings(project)
    make_state_folder(settings.state_folder)
    with closing(open_catalog(settings)) as catalog:
        if what in ACTIONS:
            _act(what, run, catalog, settings, json=json)
        elif run is not None:
            raise Misused(f"'{what} {run}' is not understood: `larder runs {run}` shows that run")
        elif what is not None and what.isdecimal():
            _show(catalog.run(int(what)), catalog, limit, json=json)
        else:
            wanted = () if status is None else (status,)
            found = catalog.runs(job=what, status=wanted, limit=limit)
            if what is not None and not found:
                _check_job(what, settings)
            _list(found, json=json)


def _act(
    action: str, number: int | None, catalog: Catalog, settings: Settings, *, json: bool
) -> None:
    if number is None:
        raise Misused("which run? give its number, as `larder runs` shows it")
    if json:
        raise Misused(f"`larder runs {action}` prints nothing for --json to change")
    if action == "cancel":
        with on_record(settings, "cancel", f"run {number}"):
            catalog.cancel_run(number, f"cancelled by {system_user()} with `larder runs cancel`")
        say(f"run {number} is cancelled; what it had computed is kept")
        return
    ended = _follow(number, catalog)
    say_run(ended, utcnow())
    if ended.status is not RunStatus.SUCCEEDED:
        raise typer.Exit(Exit.FAILED)


def _follow(number: int, catalog: Catalog) -> Run:
    """The run once it has ended."""
    with run_progress(catalog.run(number).job) as tell:
        while (run := catalog.run(number)).open:
            if run.cells_total is not None:
                counts = (run.computed, run.fresh, run.failed, run.skipped)
                tell(Progress(run.cells_total, *counts, run.rate))
            time.sleep(LOOK_EACH_S)
    return run


def _show(run: Run, catalog: Catalog, limit: int, *, json: bool) -> None:
    failed = catalog.failed_of_run(run.id, limit=limit)
    if json:
        cells = [failed_for_programs(one) for one in failed]
        print_json({**run_for_programs(run), "failed_cells": cells})
        return
    say_run(run, utcnow())
    for one in failed:
        say_failed(one)
    more = catalog.count_failed(run.id) - len(failed)
    if more > 0:
        say()
        say(f"and {counted(more, 'failure')} more: --limit {len(failed) + more} shows all")


def _list(found: list[Run], *, json: bool) -> None:
    if json:
        print_json({"runs": [run_for_programs(run) for run in found]})
    elif found:
        print_table(runs_table(found, utcnow()))
    else:
        say("no run")


def _check_job(name: str, settings: Settings) -> None:
    """Raises `JobNotFound` where there is no such job, so that a misspelt one is told."""
    JobSet(current_project(settings).jobs.values()).job(name)
