"""`larder serve`: the whole server."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.problem import Problem
from larder.commands.arguments import HERE, ProjectArgument
from larder.environment import Environment
from larder.errors import SettingsInvalid
from larder.exits import Exit
from larder.server import serve as run_server
from larder.settings import Settings, load_settings

HostOption = Annotated[
    str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
]
PortOption = Annotated[
    int | None,
    typer.Option(
        help="Port to listen on; 0 takes a free one. Also PORT or LARDER_PORT.", show_default="8080"
    ),
]
WorkersOption = Annotated[int | None, typer.Option(help="API processes.", show_default="2")]
InsecureOption = Annotated[
    bool | None,
    typer.Option("--insecure", help="Listen beyond this machine although nothing asks who calls."),
]


def serve(
    project: ProjectArgument = HERE,
    *,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    insecure: InsecureOption = None,
) -> None:
    """Serve a project: its engine, its scheduler and the API, until Ctrl-C.

    Examples:
        larder serve
        larder serve examples/scoring --port 8099
        PORT=8099 larder serve examples/scoring
    """
    options = {"host": host, "port": port, "workers": workers, "insecure": insecure}
    if not run_server(settings_of(project, options)):
        raise typer.Exit(Exit.FAILED)


def settings_of(project: Path, options: Mapping[str, Any]) -> Settings:
    """The settings with the options of the command line laid over them.

    PORT, which many platforms set, counts where neither --port nor LARDER_PORT is given.

    Raises:
        SettingsInvalid: With every problem.
    """
    variables = dict(os.environ)
    borrowed = "LARDER_PORT" not in Environment().variables and bool(variables.get("PORT"))
    if borrowed:
        variables["LARDER_PORT"] = variables["PORT"]
    try:
        return load_settings(project, environment=Environment(variables), overrides=options)
    except SettingsInvalid as error:
        if borrowed:
            raise SettingsInvalid(_named_port(error)) from None
        raise


def _named_port(error: SettingsInvalid) -> list[Problem]:
    return [
        replace(problem, file="PORT") if problem.file == "LARDER_PORT" else problem
        for problem in error.problems
    ]
