"""`larder calls`: what R is asked now, and the end of it."""

from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from jobs.spoken_time import span
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import print_json, print_table, say
from larder.errors import Misused, NoSuchCall
from larder.on_record import on_record
from larder.settings import load_settings
from larder.wiring import open_pool


class Action(StrEnum):
    """What can be done to a call."""

    CANCEL = "cancel"


def calls(
    action: Annotated[
        Action | None,
        typer.Argument(help="End a call, and all that it started.", show_default=False),
    ] = None,
    key: Annotated[str | None, typer.Argument(help="Which call.", show_default=False)] = None,
    *,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show the calls that wait for R or run now, or cancel one.

    Examples:
        larder calls
        larder calls --json --project examples/scoring
        larder calls cancel x022b417ca23956
    """
    settings = load_settings(project)
    with closing(open_pool(settings)) as pool:
        if action is None:
            _show(pool.under_way(), json=json)
        elif key is None:
            raise Misused("which call? give its key, as `larder calls` shows it")
        elif json:
            raise Misused("`larder calls cancel` prints nothing for --json to change")
        else:
            with on_record(settings, "cancel", key):
                if not pool.cancel(key):
                    raise NoSuchCall(key)
            say(f"{key} is cancelled")


def _show(under_way: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json({"calls": under_way})
    elif under_way:
        print_table(_table(under_way))
    else:
        say("no call waits or runs")


def _table(under_way: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("key", "call", "status"):
        table.add_column(name)
    for one in under_way:
        waits = one["running_s"] is None
        told = f"waiting for {span(one['waited_s'])}"
        if not waits:
            told = f"running for {span(one['running_s'])}, process {one['pid']}"
        names = [name for name in (one["package"], one["function"]) if name]
        what = "::".join(names) or one["operation"]
        table.add_row(Text(one["key"]), Text(what), Text(told, style="yellow" if waits else "cyan"))
    return table
