"""`larder engine`, `larder scheduler`, `larder api`: each role of a server alone."""

import os
from typing import NoReturn

import typer

from larder.commands.arguments import HERE, ProjectArgument
from larder.commands.serve import (
    HostOption,
    InsecureOption,
    PortOption,
    WorkersOption,
    settings_of,
)
from larder.exits import Exit
from larder.role import Role
from larder.roles import engine_role, scheduler_role
from larder.server import serve_api
from larder.settings import load_settings
from larder.state import ENGINE_LOCK, Lock, make_state_folder


def engine(project: ProjectArgument = HERE) -> None:
    """Run only the R engine of a project; for service managers that start each role themselves.

    Examples:
        larder engine examples/scoring
    """
    settings = load_settings(project)
    make_state_folder(settings.state_folder)
    lock = Lock(settings.state_folder, ENGINE_LOCK)
    lock.take()
    lock.keep_through_exec()
    _become(engine_role(settings))


def scheduler(project: ProjectArgument = HERE) -> None:
    """Run only the scheduler of a project; of several, one fires and the others stand by.

    Examples:
        larder scheduler examples/scoring
    """
    settings = load_settings(project)
    make_state_folder(settings.state_folder)
    _become(scheduler_role(settings))


def api(
    project: ProjectArgument = HERE,
    *,
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    insecure: InsecureOption = None,
) -> None:
    """Run only the HTTP API of a project.

    Examples:
        larder api examples/scoring --port 8099 --workers 4
    """
    options = {"host": host, "port": port, "workers": workers, "insecure": insecure}
    if not serve_api(settings_of(project, options)):
        raise typer.Exit(Exit.FAILED)


def _become(role: Role) -> NoReturn:
    """Goes on as the role's process: whoever started this one watches that one."""
    environment = role.environment if role.environment is not None else os.environ
    os.execve(role.command[0], role.command, environment)  # noqa: S606 - no shell, on purpose
