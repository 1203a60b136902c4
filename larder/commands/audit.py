"""`larder audit`: who called what; whether that is as it was written; and all of it as a file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cache.clock import utcnow
from jobs.audit_checkpoint import Checkpoint, read_checkpoint
from jobs.audit_export import read_export, write_csv, write_lines
from jobs.audit_gatherer import AuditGatherer
from jobs.audit_proof import Proof, prove_catalog, prove_export
from jobs.audit_record import AuditOutcome, AuditRow
from jobs.audit_rows import AuditFilter
from jobs.moment import parse_begin, parse_moment
from jobs.repository import Catalog
from larder.audit_shown import audit_table, row_for_programs, say_row
from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import counted, note, print_json, print_table, say
from larder.errors import FileExists, Misused
from larder.exits import Exit
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import open_catalog

LOOK_EACH_S = 1.0


class Action(StrEnum):
    """What can be done with the audit."""

    VERIFY = "verify"
    EXPORT = "export"
    FOLLOW = "follow"


class Form(StrEnum):
    """How a file is written."""

    JSONL = "jsonl"
    CSV = "csv"


def audit(
    action: Annotated[
        Action | None,
        typer.Argument(help="Look whether it was changed; write it; wait.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(help="What to verify, or to write to.", show_default=False),
    ] = None,
    *,
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help="From then on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Before.")] = None,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="By this caller.")] = None,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="About this job.")] = None,
    function: Annotated[
        str | None, typer.Option(metavar="PACKAGE::NAME", help="About this function.")
    ] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="NAME", help="That did this: read, call, run, ...")
    ] = None,
    outcome: Annotated[AuditOutcome | None, typer.Option(help="That ended so.")] = None,
    request: Annotated[str | None, typer.Option(metavar="ID", help="Of this request.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    form: Annotated[
        Form | None, typer.Option("--format", help="Of a file.", show_default="by its name")
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW:HASH", help="A row as it was noted elsewhere.", show_default=""),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show who called what, newest last; verify that nobody changed it; export it.

    Examples:
        larder audit --since 2026-11-01 --who shop --outcome refused
        larder audit follow --job weight_gain
        larder audit verify
        larder audit export november.jsonl --since 2026-11-01 --until 2026-11-30
        larder audit verify november.jsonl
    """
    noted = [Checkpoint.parse(text) for text in checkpoint or ()]
    if noted and action is not Action.VERIFY:
        raise Misused("--checkpoint goes with `larder audit verify`")
    if file is not None and action not in (Action.VERIFY, Action.EXPORT):
        raise Misused("a file goes with `larder audit verify` and `larder audit export`")
    if action is Action.VERIFY and file is not None:
        _say_proof(prove_export(read_export(file), noted), json=json)
        return
    settings = load_settings(project)
    now, zone = utcnow(), settings.timezone
    wanted = AuditFilter(
        since=None if since is None else parse_begin(since, zone, now),
        until=None if until is None else parse_moment(until, zone, now),
        caller=who,
        job=job,
        function=function,
        operation=operation,
        outcome=outcome,
        request_id=request,
    )
    with _gathered(settings) as catalog:
        if action is Action.VERIFY:
            own = read_checkpoint(settings.state_folder)
            _say_proof(prove_catalog(catalog, [*noted, *([own] if own else [])]), json=json)
        elif action is Action.EXPORT:
            _check_whole(wanted)
            _export(catalog, wanted, file, form, force=force)
        elif action is Action.FOLLOW:
            _follow(settings, catalog, wanted, json=json)
        else:
            _show(catalog.audit_rows(wanted, limit=limit)[::-1], json=json)


@contextmanager
def _gathered(settings: Settings) -> Iterator[Catalog]:
    """The catalog, with all that is spooled until now."""
    make_state_folder(settings.state_folder)
    with closing(open_catalog(settings)) as catalog:
        AuditGatherer(settings.state_folder, catalog).gather()
        yield catalog


def _show(rows: list[AuditRow], *, json: bool) -> None:
    if json:
        print_json({"rows": [row_for_programs(row) for row in rows]})
    elif rows:
        print_table(audit_table(rows))
    else:
        say("nothing is on record")


def _follow(settings: Settings, catalog: Catalog, wanted: AuditFilter, *, json: bool) -> None:
    gatherer = AuditGatherer(settings.state_folder, catalog)
    chain = catalog.audit_chain()
    last = 0 if chain is None else chain.last
    while True:
        for row in catalog.audit_since(last, wanted):
            say_row(row, json=json)
            last = row.id
        time.sleep(LOOK_EACH_S)
        gatherer.gather()


def _check_whole(wanted: AuditFilter) -> None:
    if wanted != AuditFilter(since=wanted.since, until=wanted.until):
        raise Misused("a file has all rows of a time, or it could not be verified: leave filters")


def _export(
    catalog: Catalog, wanted: AuditFilter, file: Path | None, form: Form | None, *, force: bool
) -> None:
    after, last = catalog.audit_span(wanted.since, wanted.until)
    ends = catalog.audit_chain()
    previous = (catalog.audit_hash(after) or (ends.anchor if ends else "")) if last else ""
    rows = catalog.audit_since(after, upto=last)
    is_csv = form is Form.CSV or (form is None and file is not None and file.suffix == ".csv")
    write: Callable[..., int] = write_csv if is_csv else write_lines
    if file is None:
        write(rows, previous, sys.stdout)
        return
    if file.exists() and not force:
        raise FileExists(file)
    with _private(file) as out:
        count = write(rows, previous, out)
    note(f"{counted(count, 'row')} written to {file}")


@contextmanager
def _private(file: Path) -> Iterator[TextIO]:
    """The file, which only its owner can read."""
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8", newline="") as out:
        yield out


def _say_proof(proof: Proof, *, json: bool) -> None:
    if json:
        whole = {"whole": proof.is_whole, "first": proof.first, "last": proof.last}
        print_json({**whole, "hash": proof.hash, "broken": proof.broken, "fault": proof.fault})
    elif not proof.is_whole:
        say(f"row {proof.broken} is not as it was written: {proof.fault}")
    elif not proof.last:
        say("nothing is on record")
    else:
        count = proof.last - proof.first + 1
        rows = f"{counted(count, 'row')}, {proof.first} to {proof.last}"
        say(f"{rows}: as they were written")
        say(f"checkpoint, to be noted elsewhere: {proof.last}:{proof.hash}")
    if not proof.is_whole:
        raise typer.Exit(Exit.FAILED)
