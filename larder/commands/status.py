"""`larder status`: the jobs of a project at a glance."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from jobs.records import OutboxMessage, Run, ScheduleRow
from jobs.spoken_time import ago, span
from jobs.status import MessageStatus, RunStatus
from larder.commands.arguments import HERE, AsJson, ProjectArgument
from larder.console import counted, print_json, print_problems, print_table, say
from larder.overview import JobOverview, Overview, overview
from larder.runs_shown import STYLES
from larder.settings import load_settings
from larder.times import iso, to_come

_MOST_TOLD = 10


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
        if left_out := _left_out(one.skipped, seen.now):
            say(Text(f"{one.job.name}: {left_out}", style="yellow"))
    for message in seen.undelivered:
        say(Text(_undelivered(message, seen.now), style="red"))
    if seen.problems:
        say(Text(_mistakes(seen), style="bold red"))
        print_problems(seen.problems[:_MOST_TOLD])
        if len(seen.problems) > _MOST_TOLD:
            say(f"and {len(seen.problems) - _MOST_TOLD} more: see `larder check`")


def _mistakes(seen: Overview) -> str:
    told = f"{counted(len(seen.problems), 'mistake')} in the job files"
    if seen.live is None:
        return f"{told}:"
    if seen.live.live_since is None:
        right = counted(seen.live.jobs, "right job")
        return f"{told}; since its start the server has gone on with {right}:"
    since = ago(seen.live.live_since, seen.now)
    return f"{told}; the server goes on with what it took over {since}:"


def _left_out(row: ScheduleRow | None, now: datetime) -> str:
    """A sentence about a time that was left out, unless the schedule has fired since."""
    if row is None or row.last_skipped is None:
        return ""
    if row.last_fire is not None and row.last_fire >= row.last_skipped:
        return ""
    return f"'{row.text}' did not fire {ago(row.last_skipped, now)}: {row.skip_reason}"


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
    text = Text(run.status.value, style=STYLES[run.status])
    if run.status is RunStatus.QUEUED:
        return text.append(f" {ago(run.started_at, now)}", style="default")
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
        "definitions": {
            "valid": not seen.problems,
            "live_since": iso(seen.live.live_since) if seen.live is not None else None,
            "problems": [asdict(problem) for problem in seen.problems],
        },
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
        "last_skipped": iso(one.skipped.last_skipped) if one.skipped else None,
        "skip_reason": one.skipped.skip_reason if one.skipped else None,
    }
