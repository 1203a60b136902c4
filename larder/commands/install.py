"""`larder install`: packages, apps and gists from GitHub, CRAN and Bioconductor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engine.install_request import InstallRequest
from engine.shelf import Shelf
from jobs.audit_record import AuditOutcome
from larder.cancellable import Cancellable
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.commands.install_report import print_list, print_outcomes, tell_failure
from larder.console import err, note, print_json, say
from larder.errors import Misused
from larder.exits import Exit
from larder.installing import Named, Outcome, called, check_allowed, find, install_each, named
from larder.on_record import on_record
from larder.private_engine import engine_to_install
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import install_policy, open_shelf

Begin = Callable[[Named], None]


def install(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="owner/repo or github::owner/repo, gist::user/id, cran::package, bioc::package.",
        ),
    ] = None,
    *,
    ref: Annotated[
        str | None,
        typer.Option("--ref", metavar="REF", help="Branch, tag or commit of the repository."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Look up again what is installed: these, or all.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take these away.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show what is installed.")] = False,
    allow: Annotated[
        bool, typer.Option("--allow", help="Install what larder.yaml does not allow, this once.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show all that a failed installation printed.")
    ] = False,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Install packages, apps and gists, and say under which path they are served.

    What may be installed is said by install.allow in larder.yaml. The running server serves it as
    soon as it is there.

    Examples:
        larder install --list
        larder install --update
        larder install cran::forecast rstudio/shiny --ref main
        larder install --remove gist::owner/4321
    """
    given = [named(text) for text in sources or ()]
    _check_usage(given, ref=ref, update=update, remove=remove, show=show)
    settings = load_settings(project)
    shelf = open_shelf(settings)
    if show:
        print_list(shelf.all(), json=json)
    elif remove:
        _remove(settings, shelf, given, json=json)
    else:
        requests = _requests(settings, shelf, given, ref=ref, update=update, allow=allow)
        names = " ".join(f"{one.source}::{one.name}" for one in requests)
        with on_record(settings, "install", names) as ended:
            outcomes = _install(settings, shelf, requests, verbose=verbose)
            failed = [outcome for outcome in outcomes if outcome.error]
            if failed:
                ended.update(outcome=AuditOutcome.FAILED, detail=f"{len(failed)} not installed")
        print_outcomes(outcomes, json=json)
        if any(outcome.error for outcome in outcomes):
            raise typer.Exit(Exit.FAILED)


def _check_usage(
    given: list[Named], *, ref: str | None, update: bool, remove: bool, show: bool
) -> None:
    if update + remove + show > 1:
        raise Misused("of --list, --update and --remove give one")
    if show and given:
        raise Misused("--list shows all that is installed: give no names")
    if not given and not (show or update):
        what = "remove" if remove else "install"
        raise Misused(f"name what to {what}, as cran::dplyr; --list shows what is installed")
    if ref is not None and (len(given) != 1 or update or remove):
        raise Misused("--ref goes with one repository to install")


def _remove(settings: Settings, shelf: Shelf, given: list[Named], *, json: bool) -> None:
    there = [called(find(shelf, one)) for one in given]
    with on_record(settings, "remove", " ".join(map(str, there))):
        for one in there:
            shelf.remove(one.source, one.name)
            if not json:
                say(f"{one} is removed; what uses it now may go on")
    if json:
        print_json([{"source": one.source, "name": one.name} for one in there])


def _requests(
    settings: Settings,
    shelf: Shelf,
    given: list[Named],
    *,
    ref: str | None,
    update: bool,
    allow: bool,
) -> list[InstallRequest]:
    policy = install_policy(settings)
    if update:
        there = [find(shelf, one) for one in given] if given else shelf.all()
        requests = [policy.request(one.source, one.name, one.ref) for one in there]
    else:
        requests = [policy.request(one.source, one.name, ref) for one in given]
    if not allow:
        check_allowed((Named(one.source, one.name) for one in requests), policy)
    return requests


def _install(
    settings: Settings, shelf: Shelf, requests: list[InstallRequest], *, verbose: bool
) -> list[Outcome]:
    """Installs them all, and says on stderr what goes wrong."""
    if not requests:
        return []
    make_state_folder(settings.state_folder)
    with _progress() as begin, engine_to_install(settings) as pool:
        outcomes = Cancellable(
            lambda: list(install_each(pool, shelf, requests, begin)),
            lambda: note("cancelled; what was installed before is as it was"),
        ).result()
    for outcome in outcomes:
        tell_failure(outcome, verbose=verbose)
    return outcomes


@contextmanager
def _progress() -> Iterator[Begin]:
    """What is being installed and for how long, on a terminal; a line for each elsewhere."""
    if not err.is_terminal:
        yield lambda one: note(f"installing {one}")
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as spinner:

        def show(text: str) -> None:
            for task in spinner.task_ids:
                spinner.remove_task(task)
            spinner.add_task(text, total=None)

        show("starting R")
        yield lambda one: show(f"installing {one}")
