"""Runs as the command line shows them: in a table, one by itself with what failed, for programs."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from jobs.records import FailedCell, Run
from jobs.spoken_time import ago, span
from jobs.status import RunStatus
from larder.console import say
from larder.run_progress import pace, skipped
from larder.times import iso

STYLES = {
    RunStatus.QUEUED: "cyan",
    RunStatus.SUCCEEDED: "green",
    RunStatus.RUNNING: "cyan",
    RunStatus.PARTIAL: "yellow",
    RunStatus.INTERRUPTED: "yellow",
    RunStatus.CANCELLED: "yellow",
    RunStatus.FAILED: "red",
}


def runs_table(runs: Iterable[Run], now: datetime) -> Table:
    """Returns runs, one a line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("run", justify="right")
    for name in ("job", "cause", "status", "when"):
        table.add_column(name)
    for name in ("done", "failed"):
        table.add_column(name, justify="right")
    for run in runs:
        of = "" if run.cells_total is None else f" of {run.cells_total:,}"
        table.add_row(
            str(run.id),
            Text(run.job),
            run.cause.value,
            Text(run.status.value, style=STYLES[run.status]),
            _when(run, now),
            f"{run.done:,}{of}",
            Text(f"{run.failed:,}", style="red" if run.failed else ""),
        )
    return table


def say_run(run: Run, now: datetime) -> None:
    """Prints where one run stands."""
    text = Text(f"run {run.id} of {run.job}: ", style="bold")
    text.append(run.status.value, style=STYLES[run.status])
    say(text.append(f", {_when(run, now)}; {run.cause.value}", style="not bold default"))
    of = "" if run.cells_total is None else f" of {run.cells_total:,}"
    counts = f"{run.computed:,} computed, {run.fresh:,} fresh{skipped(run)}, {run.failed:,} failed"
    goes = pace(run.rate, run.left_s)
    say(f"{run.done:,}{of} done: {counts}" + (f"; {goes}" if goes else ""))
    if run.error:
        say(Text(run.error, style="red"))


def say_failed(cell: FailedCell) -> None:
    """Prints which cell, or batch of rows, failed, and all that R said."""
    failure = cell.failure
    tries = f", {cell.attempts} attempts" if cell.attempts > 1 else ""
    say()
    say(Text(f"{_place(cell)} ({failure.kind}{tries})", style="bold"))
    _say_below(failure.text or failure.message, "red")
    for warning in failure.warnings:
        _say_below(f"warning: {warning}", "yellow")
    if failure.console:
        of = f", the end of {failure.console_bytes:,} bytes"
        cut = len(failure.console.encode()) < failure.console_bytes
        _say_below(f"console{of if cut else ''}:", "bold")
        _say_below(failure.console, "", by=4)


def run_for_programs(run: Run) -> dict[str, Any]:
    """Returns a run as plain values."""
    shown = {name: value for name, value in asdict(run).items() if name != "owner"}
    shown["scope"] = run.scope.to_json()
    for name in ("queued_at", "scheduled_for", "started_at", "finished_at", "heartbeat_at"):
        shown[name] = iso(shown[name])
    return {**shown, "done": run.done, "left_s": run.left_s, "duration_s": run.duration_s}


def failed_for_programs(cell: FailedCell) -> dict[str, Any]:
    """Returns a cell that failed as plain values."""
    shown = asdict(cell)
    return {**shown.pop("failure"), **shown, "failed_at": iso(cell.failed_at)}


def _when(run: Run, now: datetime) -> str:
    if run.status is RunStatus.QUEUED:
        return f"asked for {ago(run.started_at, now)}"
    if run.finished_at is None:
        return f"begun {ago(run.started_at, now)}"
    return f"{ago(run.finished_at, now)}, in {span(run.duration_s or 0.0)}"


def _place(cell: FailedCell) -> str:
    if cell.arguments is None:
        first = cell.first_row or 0
        return f"rows {first + 1:,} to {first + (cell.rows or 0):,}"
    return " ".join(f"{name}={value}" for name, value in cell.arguments.items()) or "the one cell"


def _say_below(text: str, style: str, *, by: int = 2) -> None:
    for line in text.rstrip("\n").splitlines():
        say(Text(" " * by + line, style=style))
