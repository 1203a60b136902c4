"""`larder doctor`: whether this machine has what Larder needs, and whether a server is safe."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from larder.commands.arguments import HERE, AsJson, ProjectOption
from larder.console import print_json, print_table
from larder.doctor import Finding, examine
from larder.exits import Exit
from larder.security import examine_security

_STYLES = {"ok": "green", "weak": "yellow", "missing": "bold red"}


def doctor(
    *,
    security: Annotated[
        bool, typer.Option("--security", help="Whether a project is served safely, instead.")
    ] = False,
    json: AsJson = False,
    project: ProjectOption = HERE,
) -> None:
    """Show whether this machine has what Larder needs: Python, R, their packages, the kernel.

    Examples:
        larder doctor
        larder doctor --json
        larder doctor --security --project examples/scoring
    """
    findings = list(examine_security(project) if security else examine())
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(_table(findings))
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(
            Text(finding.state, style=_STYLES[finding.state]),
            Text(finding.name),
            Text(finding.value),
            Text(finding.hint, style="cyan"),
        )
    return table
