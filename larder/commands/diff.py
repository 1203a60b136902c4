"""`larder diff`: what a job's answers say otherwise than at another moment."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.difference_view import difference_view
from cache.clock import utcnow
from jobs.difference import Change, Difference, Kind, Side, find_difference, find_sides
from jobs.shown import shown
from jobs.value_parts import Part
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import counted, print_json, print_table, say
from larder.errors import Misused
from larder.exits import Exit
from larder.open_project import open_project
from larder.times import local

_STYLES = {Kind.CHANGED: "yellow", Kind.APPEARED: "green", Kind.DISAPPEARED: "red"}


def diff(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.", show_default=False)],
    moments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FROM [TO]]",
            help="Each a run's number (its end), a date (the end of that day) or a moment. Without "
            "TO it is now; without both, the ends of the last two runs.",
        ),
    ] = None,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=1_000_000, help="At most so many changes.")
    ] = 20,
    json: AsJson = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with status 1 if something changed.")
    ] = False,
    project: ProjectOption = HERE,
) -> None:
    """Show which answers changed between two moments and by how much, the largest changes first.

    R is not called. What came and what went is counted too, and what is the same.

    Examples:
        larder diff weight_gain
        larder diff weight_gain 41 57
        larder diff weight_gain 2026-10-01 2026-11-01 --limit 5
        larder diff diamond_prices 2026-11-20T05:00Z --json
    """
    asked = [*(moments or ()), None, None]
    if len(asked) > 4:
        raise Misused("a diff has two moments: FROM and TO")
    with open_project(project, job) as opened:
        sides = find_sides(opened.catalog, opened.job, asked[0], asked[1], utcnow())
        found = find_difference(opened.pantry, opened.catalog, opened.job, sides, limit=limit)
    if json:
        print_json(difference_view(found).model_dump(mode="json", by_alias=True))
    else:
        _print(found)
    if exit_code and found.total:
        raise typer.Exit(Exit.FAILED)


def _print(found: Difference) -> None:
    headline = Text(f"{found.job}: ", style="bold")
    headline.append(f"{_told(found.before)} to {_told(found.after)}", style="not bold")
    say(headline)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    say(f"  {counts}, {found.same:,} the same")
    if found.changes:
        print_table(_table(found))
    if found.total > len(found.changes):
        say(f"  and {counted(found.total - len(found.changes), 'change')} more: see --limit")


def _table(found: Difference) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("answer", "what"):
        table.add_column(name)
    for name in ("before", "after", "change", "relative"):
        table.add_column(name, justify="right")
    for change in found.changes:
        _add(table, change)
    return table


def _add(table: Table, change: Change) -> None:
    named = " ".join(f"{name}={_plain(value)}" for name, value in change.arguments.items())
    style = _STYLES[change.kind]
    if change.kind is not Kind.CHANGED:
        values = ("" if one is None else _plain(one) for one in (change.before, change.after))
        table.add_row(Text(named), Text(change.kind.value, style=style), *map(Text, values))
        return
    for part in change.parts:
        table.add_row(Text(named), Text(part.path or "value", style=style), *_cells(part))
        named = ""
    if change.parts_total > len(change.parts):
        table.add_row("", f"and {change.parts_total - len(change.parts):,} more")


def _cells(part: Part) -> tuple[Text, ...]:
    change = "" if part.change is None else f"{part.change:+.6g}"
    relative = "" if part.relative is None else f"{part.relative:+.1%}"
    told = (_plain(part.before), _plain(part.after), change, relative)
    return tuple(Text(one) for one in told)


def _plain(value: object) -> str:
    if value is None:
        return "NA"
    return value if isinstance(value, str) else shown(value)


def _told(side: Side) -> str:
    return local(side.moment) if side.run is None else f"run {side.run} ({local(side.moment)})"
