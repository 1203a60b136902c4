"""`larder check`: all mistakes of a project at once."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from larder.commands.arguments import HERE, AsJson, ProjectArgument
from larder.console import counted, print_json, print_problems, say
from larder.exits import Exit
from larder.inspection import Inspection, inspect_project


def check(
    project: ProjectArgument = HERE,
    *,
    json: AsJson = False,
    r: Annotated[
        bool,
        typer.Option(
            "--r/--no-r", help="Ask R whether each function exists and takes its arguments."
        ),
    ] = True,
) -> None:
    """Report every mistake in larder.yaml and jobs/*.yaml at once, with its place and a hint.

    Examples:
        larder check
        larder check examples/scoring --no-r
        larder check --json
    """
    tell(inspect_project(project, with_r=r), as_json=json)


def tell(inspection: Inspection, *, as_json: bool) -> None:
    """Prints what was found; ends the command with a status of its own if it is an error."""
    if as_json:
        problems = [asdict(problem) for problem in inspection.problems]
        print_json({"jobs": sorted(inspection.jobs), "problems": problems})
    else:
        print_problems(inspection.problems)
        say(_summary(inspection))
    if inspection.errors:
        raise typer.Exit(Exit.FAILED)


def _summary(inspection: Inspection) -> Text:
    warnings = len(inspection.problems) - inspection.errors
    also = f", {counted(warnings, 'warning')}" if warnings else ""
    if inspection.errors:
        return Text(f"{counted(inspection.errors, 'problem')}{also}", style="bold red")
    return Text(f"no problems in {counted(len(inspection.jobs), 'job')}{also}", style="green")
