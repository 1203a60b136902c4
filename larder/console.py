"""The terminal: where commands print, and how problems look there."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from jobs.problem import Problem

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str | Text = "") -> None:
    """Prints a line for people on stdout."""
    out.print(text, markup=False)


def note(text: str | Text) -> None:
    """Prints a line beside the result, on stderr."""
    err.print(text, markup=False)


def print_json(value: Any) -> None:
    """Prints a value for programs."""
    out.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def print_problems(problems: Iterable[Problem], console: Console = out) -> None:
    """Prints one line per problem: place, message, hint."""
    for problem in problems:
        console.print(problem_text(problem))


def problem_text(problem: Problem) -> Text:
    """The same words as `str(problem)`, coloured."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    text = Text(place, style="bold").append(": ", style="not bold")
    if problem.severity == "warning":
        text.append("warning: ", style="not bold yellow")
        text.append(problem.message, style="not bold")
    else:
        text.append(problem.message, style="not bold red")
    if problem.hint:
        text.append(f" ({problem.hint})", style="not bold cyan")
    return text


def counted(number: int, noun: str) -> str:
    """The number with its noun: "1 job", "2 jobs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def print_table(table: Table) -> None:
    """Prints a table; where no terminal sets a width, it is as wide as it needs to be."""
    if out.is_terminal:
        out.print(table, soft_wrap=False)
        return
    unbound = out.options.update(width=10_000)
    width = Measurement.get(out, unbound, table).maximum
    Console(highlight=False, width=width).print(table)
