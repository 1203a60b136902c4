"""`larder status`: the jobs of a project at a glance."""

from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from jobs.records import OutboxMessage, Run
from jobs.status import MessageStatus, RunStatus
from larder.commands.arguments import HERE, AsJson, ProjectArgument
from larder.console import counted, print_json, print_table, say
from larder.overview import JobOverview, Overview, overview
from larder.settings import load_settings
from larder.times import ago, iso, span, to_come

_STYLES = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.RUNNING: "cyan",
    RunStatus.PARTIAL: "yellow",
    RunStatus.INTERRUPTED: "yellow",
    RunStatus.CANCELLED: "yellow",
    RunStatus.FAILED: "red",
}


def status(project: ProjectArgument = HERE, *, json: AsJson = False) -> None:
    """Show each job: how fresh its answers are, its last run, and when it runs next.

    Examples:
        larder status
        larder status examples/scoring --json
    """
    seen = overview(load_settings(project))
    if json:
        print_json(_for_programs(seen))
        return
    say(_headline(seen))
    if seen.jobs:
        print_table(_table(seen))
    for one in seen.jobs:
        if one.last_run is not None and one.last_run.error:
            say(Text(f"{one.job.name}: {one.last_run.error}", style="red"))
    for message in seen.undelivered:
        say(Text(_undelivered(message, seen.now), style="red"))
    if seen.problems:
        told = f"{counted(len(seen.problems), 'mistake')} in the job files: see `larder check`"
        say(Text(told, style="bold red"))


def _headline(seen: Overview) -> Text:
    text = Text(seen.name, style="bold")
    if seen.server is not None:
        text.append(f" is served by process {seen.server}", style="not bold")
    else:
        text.append(" is not being served", style="not bold")
    if not seen.fires:
        text.append("; its schedules do not fire", style="not bold yellow")
    return text


def _table(seen: Overview) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("job")
    table.add_column("kind")
    for name in ("fresh", "stale", "missing", "total"):
        table.add_column(name, justify="right")
    table.add_column("last run")
    table.add_column("next fire" if seen.fires else "next fire, if served")
    for one in seen.jobs:
        counts = one.freshness
        table.add_row(
            Text(one.job.name),
            one.kind,
            Text(f"{counts.fresh:,}", style="green" if counts.fresh else ""),
            Text(f"{counts.stale:,}", style="yellow" if counts.stale else ""),
            Text(f"{counts.missing:,}", style="red" if counts.missing else ""),
            f"{counts.total:,}",
            _last_run(one.last_run, seen.now),
            _next(one, seen.now),
        )
    return table


def _next(one: JobOverview, now: datetime) -> str:
    if one.next_fire is not None:
        return to_come(one.next_fire, now)
    return next((spec.text for spec in one.job.schedule if spec.after), "-")


def _last_run(run: Run | None, now: datetime) -> Text:
    if run is None:
        return Text("never")
    text = Text(run.status.value, style=_STYLES[run.status])
    if run.finished_at is None:
        done = f" {run.done:,} of {run.cells_total:,}" if run.cells_total else ""
        return text.append(f"{done}, started {ago(run.started_at, now)}", style="default")
    took = span(run.duration_s or 0.0)
    return text.append(f" {ago(run.finished_at, now)}, in {took}", style="default")


def _undelivered(message: OutboxMessage, now: datetime) -> str:
    told = f"{message.job}: a message by {message.channel} was not delivered"
    if message.status is MessageStatus.GIVEN_UP:
        return f"{told}, and is given up: {message.error}"
    later = "" if message.next_try is None else f"; again {to_come(message.next_try, now)}"
    return f"{told}: {message.error}{later}"


def _for_programs(seen: Overview) -> dict[str, Any]:
    return {
        "project": seen.name,
        "server": seen.server,
        "fires": seen.fires,
        "jobs": [_job_for_programs(one) for one in seen.jobs],
        "problems": [str(problem) for problem in seen.problems],
        "undelivered": [
            {
                "message": one.id,
                "job": one.job,
                "run": one.run_id,
                "channel": one.channel,
                "status": one.status,
                "attempts": one.attempts,
                "next_try": iso(one.next_try),
                "error": one.error,
            }
            for one in seen.undelivered
        ],
    }


def _job_for_programs(one: JobOverview) -> dict[str, Any]:
    run, counts = one.last_run, one.freshness
    return {
        "job": one.job.name,
        "kind": one.kind,
        "cells": {
            "total": counts.total,
            "fresh": counts.fresh,
            "stale": counts.stale,
            "missing": counts.missing,
            "oldest": iso(counts.oldest),
        },
        "last_run": run
        and {
            "run": run.id,
            "status": run.status,
            "cause": run.cause,
            "started_at": iso(run.started_at),
            "finished_at": iso(run.finished_at),
            "duration_s": run.duration_s,
            "total": run.cells_total,
            "computed": run.computed,
            "fresh": run.fresh,
            "skipped": run.skipped,
            "failed": run.failed,
            "error": run.error,
        },
        "next_fire": iso(one.next_fire),
    }
