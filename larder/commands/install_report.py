"""What `larder install` prints: what is installed, what came of it, and what went wrong."""

from typing import Any

from rich.table import Table
from rich.text import Text

from engine.installed import Installed
from jobs.spoken_time import span
from larder.console import note, print_json, print_table, say
from larder.installing import Outcome, called
from larder.times import iso, local

_COMMIT_SHOWN = 7


def print_list(installed: list[Installed], *, json: bool) -> None:
    """Prints everything that is installed."""
    if json:
        print_json([_facts(one) for one in installed])
    elif not installed:
        say("nothing is installed")
    else:
        print_table(_table(installed))


def print_outcomes(outcomes: list[Outcome], *, json: bool) -> None:
    """Prints what came of each installation; for people, of those that succeeded."""
    if json:
        print_json([_outcome_facts(one) for one in outcomes])
        return
    for outcome in outcomes:
        if outcome.installed is not None:
            say(_told(outcome, outcome.installed))
            say(f"  served under {outcome.named.url_path}")
    if not outcomes:
        say("nothing is installed")


def tell_failure(outcome: Outcome, *, verbose: bool) -> None:
    """Says on stderr why an installation failed; nothing of one that did not."""
    if outcome.error is None:
        return
    text = Text("larder: ", style="bold red")
    note(text.append(f"{outcome.named}: {outcome.error}", style="not bold default"))
    if verbose:
        note(outcome.error.log.rstrip())
    elif outcome.error.log:
        note("  give --verbose to see all that it printed")
    if outcome.before is not None:
        note(f"  {_version(outcome.before)} is still there")


def _told(outcome: Outcome, installed: Installed) -> str:
    how = {"installed": "installed", "updated": "updated to", "unchanged": "unchanged,"}
    text = f"{outcome.named}: {how[outcome.status]} {_version(installed)}"
    others = sorted(name for name in installed.packages if name != installed.package)
    with_others = f", with {', '.join(others)}" if others else ""
    return f"{text}{with_others}, in {span(outcome.took_s)}"


def _version(installed: Installed) -> str:
    package = f"{installed.package} {installed.version}" if installed.package else ""
    commit = f"commit {installed.commit[:_COMMIT_SHOWN]}" if installed.commit else ""
    return f"{package} ({commit})" if package and commit else package or commit


def _table(installed: list[Installed]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("installed", "package", "version", "commit", "when", "from"):
        table.add_column(name)
    for one in installed:
        table.add_row(
            str(called(one)),
            one.package or "-",
            one.version or "-",
            one.commit[:_COMMIT_SHOWN] if one.commit else "-",
            local(one.installed_at),
            one.origin,
        )
    return table


def _outcome_facts(outcome: Outcome) -> dict[str, Any]:
    named = {"source": outcome.named.source, "name": outcome.named.name}
    facts = named if outcome.installed is None else _facts(outcome.installed)
    error = None if outcome.error is None else str(outcome.error)
    return {"status": outcome.status, "error": error, **facts}


def _facts(installed: Installed) -> dict[str, Any]:
    return {
        "source": installed.source,
        "name": installed.name,
        "package": installed.package,
        "version": installed.version,
        "commit": installed.commit,
        "ref": installed.ref,
        "digest": installed.digest,
        "origin": installed.origin,
        "installed_at": iso(installed.installed_at),
        "checked_at": iso(installed.checked_at),
        "r_version": installed.r_version,
        "packages": installed.packages,
        "path": called(installed).url_path,
    }
