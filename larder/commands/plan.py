"""`larder plan`: what a change of the job files would do."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from jobs.changes import JobChange
from jobs.spoken_time import span
from larder.commands.arguments import HERE, AsJson, ProjectArgument
from larder.commands.check import tell
from larder.console import counted, print_json, say
from larder.inspection import Inspection
from larder.plan import Fires, Plan, fires_of, plan_project

_MARKS = {
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
    "unchanged": (" ", "default"),
}


def plan(
    project: ProjectArgument = HERE,
    *,
    live: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The project that is to become like this one; by default it is this one.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show what the job files as they are now would change, against what is live.

    Files with mistakes are reported as by `larder check`; nothing is written or computed.

    Examples:
        larder plan
        larder plan my-branch/scoring --live /srv/scoring
        larder plan examples/scoring --json
    """
    found = plan_project(project, live)
    if isinstance(found, Inspection):
        tell(found, as_json=json)
    elif json:
        print_json(_document(found))
    else:
        _print(found)


def _print(found: Plan) -> None:
    number = Counter[str](one.what for one in found.jobs)
    told = [f"{number[what]:,} {what}" for what in _MARKS if number[what]]
    say(
        Text(f"{found.name}: ", style="bold").append(", ".join(told) or "no jobs", style="not bold")
    )
    for one in found.jobs:
        _print_job(one, found)
    if any(one.what != "unchanged" for one in found.jobs):
        say(f"R would take {_time(found.estimate_s)} in all")


def _print_job(one: JobChange, found: Plan) -> None:
    mark, style = _MARKS[one.what]
    say(Text(f"{mark} {one.name}", style=style))
    if one.keys:
        effect = "its answers become stale" if one.makes_stale else "no answer becomes stale"
        say(f"    changed: {', '.join(one.keys)}; {effect}")
    say(f"    {_cells(one)}")
    for fires in fires_of(one.job, found.now) if one.job is not None else ():
        say(f"    {_fires(fires)}")


def _cells(one: JobChange) -> str:
    noun = "row" if one.job is not None and one.job.rows is not None else "cell"
    cells = one.cells
    if one.job is None:
        return (
            f"{counted(cells.dropped, noun)} dropped; its results stay for as long as they are kept"
        )
    counts = {"become stale": cells.stale, "new": cells.new, "dropped": cells.dropped}
    told = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
    time = f"; R takes {_time(one.estimate_s)}" if cells.stale + cells.new else ""
    return f"{counted(cells.total, noun)}: {told or 'all stay as they are'}{time}"


def _fires(fires: Fires) -> str:
    if not fires.times:
        return fires.spec.rule
    times = (f"{fire:%a %Y-%m-%d %H:%M:%S %Z}".replace(":00 ", " ") for fire in fires.times)
    return f"{fires.spec.rule} ({fires.spec.timezone}): {', '.join(times)}"


def _time(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else f"about {span(seconds)}"


def _document(found: Plan) -> dict[str, Any]:
    return {
        "project": found.name,
        "estimate_s": found.estimate_s,
        "jobs": [_job(one, found) for one in found.jobs],
    }


def _job(one: JobChange, found: Plan) -> dict[str, Any]:
    cells = one.cells
    return {
        "job": one.name,
        "change": one.what,
        "keys": list(one.keys),
        "makes_stale": one.makes_stale,
        "cells": {
            "total": cells.total,
            "stale": cells.stale,
            "new": cells.new,
            "dropped": cells.dropped,
        },
        "estimate_s": one.estimate_s,
        "schedules": [
            {
                "text": fires.spec.rule,
                "timezone": fires.spec.timezone,
                "next_fires": [fire.isoformat() for fire in fires.times],
            }
            for fires in (fires_of(one.job, found.now) if one.job is not None else ())
        ],
    }
