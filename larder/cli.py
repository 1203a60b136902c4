"""The command line: finds the command, and turns errors into a line and an exit status.

A command's module is imported when it is called for, so that each starts as fast as it can.
"""

import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from larder.exits import EXIT_STATUSES, OUR_ERRORS, Exit, is_debugging, report

COMMANDS = {
    "init": "larder.commands.init",
    "serve": "larder.commands.serve",
    "check": "larder.commands.check",
    "plan": "larder.commands.plan",
    "run": "larder.commands.run",
    "runs": "larder.commands.runs",
    "status": "larder.commands.status",
    "get": "larder.commands.get",
    "explain": "larder.commands.explain",
    "diff": "larder.commands.diff",
    "calls": "larder.commands.calls",
    "keys": "larder.commands.keys",
    "logins": "larder.commands.logins",
    "audit": "larder.commands.audit",
    "install": "larder.commands.install",
    "import-opencpu": "larder.commands.import_opencpu",
    "schema": "larder.commands.schema",
    "doctor": "larder.commands.doctor",
    "engine": "larder.commands.roles",
    "scheduler": "larder.commands.roles",
    "api": "larder.commands.roles",
}
"""The commands in the order of the help, with the module whose function of that name they are."""

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class _LazyCommands(MutableMapping[str, Any]):
    """The commands by name, each imported when it is first looked at."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            function = getattr(import_module(COMMANDS[name]), name.replace("-", "_"))
            self._made[name] = _command(name, function)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _LazyCommands()

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; an error of ours becomes a line on stderr and an exit status."""
        try:
            return super().invoke(ctx)
        except OUR_ERRORS as error:
            if is_debugging():
                raise
            raise typer.Exit(report(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None


def _command(name: str, function: Callable[..., None]) -> Any:
    """The command of a function; the `Examples` of its docstring go below the options."""
    text, _, examples = inspect.cleandoc(function.__doc__ or "").partition("\n\nExamples:\n")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    below = "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, help=text, epilog=below, context_settings=_HELP_OPTIONS)(function)
    command = get_command(single)
    command.name = name
    return command


def _print_version(*, asked: bool) -> None:
    if asked:
        from larder.version import version  # noqa: PLC0415 - a tenth of the time of a start

        typer.echo(f"larder {version()}")
        raise typer.Exit


app = typer.Typer(
    name="larder",
    cls=_Commands,
    help="Runs R models ahead of time and serves the answers at once over HTTP.",
    epilog=EXIT_STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP_OPTIONS,
)


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Runs the command line."""
    try:
        app(prog_name="larder")
    except SystemExit as end:
        if threading.active_count() == 1:
            raise
        # A thread that waits for R, for a command that was cancelled, must not keep the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else Exit.FAILED)
