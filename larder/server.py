"""Server: the roles of a project on one machine, from the first check to the last exit."""

import logging
import socket

from rich.table import Table
from rich.text import Text

from jobs.project import read_project
from larder.console import print_table, say
from larder.listen import address_of, check_address, open_socket
from larder.log import configure_log, warn_if_insecure
from larder.readiness import Readiness
from larder.role import Role
from larder.roles import api_role, engine_role, scheduler_role
from larder.settings import Settings
from larder.state import ENGINE_LOCK, SERVER_LOCK, Lock, make_state_folder
from larder.supervisor import Supervisor
from larder.walls import check_walls
from larder.welcome import suggestions

log = logging.getLogger(__name__)


def serve(settings: Settings) -> bool:
    """Runs engine, scheduler and API until told to stop; whether all of it ended when asked to.

    Raises:
        ListeningRefused, CannotListen: Nothing may, or can, listen on the address.
        ServerRunning: The project is served already.
        StateUnusable: The state folder cannot be made or written.
        WallsMissing: R cannot be confined as the settings require.
    """
    check_address(settings)
    check_walls(settings)
    _log_as("server", settings)
    make_state_folder(settings.state_folder)
    for name in (SERVER_LOCK, ENGINE_LOCK):
        Lock(settings.state_folder, name).take()
    with open_socket(settings) as listening:
        settings = _with_port_of(listening, settings)
        roles = [engine_role(settings), scheduler_role(settings)]
        roles += _api_roles(settings, listening)
        log.info("starting project=%s port=%d", settings.project_name, settings.port)
        grace_s = settings.shutdown_grace_s
        ready = _readiness(settings, listening)
        return Supervisor(roles, grace_s=grace_s, chore=ready).run()


def serve_api(settings: Settings) -> bool:
    """Runs the API alone, for an engine and a scheduler that are started elsewhere.

    Raises:
        ListeningRefused, CannotListen, StateUnusable: As `serve`.
    """
    check_address(settings)
    _log_as("server", settings)
    make_state_folder(settings.state_folder)
    with open_socket(settings) as listening:
        settings = _with_port_of(listening, settings)
        roles = _api_roles(settings, listening)
        return Supervisor(roles, grace_s=settings.shutdown_grace_s).run()


def _api_roles(settings: Settings, listening: socket.socket) -> list[Role]:
    numbers = range(1, settings.workers + 1)
    return [api_role(settings, number, listening.fileno()) for number in numbers]


def _with_port_of(listening: socket.socket, settings: Settings) -> Settings:
    """Port 0 has become a real one, which links are made with."""
    return settings.model_copy(update={"port": listening.getsockname()[1]})


def _log_as(role: str, settings: Settings) -> None:
    configure_log(level=settings.log.level, form=settings.log.format, role=role)
    if settings.is_exposed:
        warn_if_insecure(settings.host)


def _readiness(settings: Settings, listening: socket.socket) -> Readiness:
    host, port = address_of(listening)
    base = f"http://{host}:{port}"
    return Readiness(host, port, lambda took_s: _welcome(settings, base, took_s))


def _welcome(settings: Settings, base: str, took_s: float) -> None:
    log.info("ready url=%s took_s=%.2f", base, took_s)
    name, zone = settings.project_name, settings.timezone
    project = read_project(settings.folder, name=name, timezone=zone).project
    table = Table(box=None, show_header=False, padding=(0, 2))
    for suggestion in suggestions(project, base):
        table.add_row(Text(suggestion.what, style="cyan"), Text(suggestion.means))
    say(Text(f"Larder serves {name} on {base}; Ctrl-C stops it.", style="bold"))
    say("Try first:")
    print_table(table)
