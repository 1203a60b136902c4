"""The roles of a server: how each of them is started."""

import os
import sys
from pathlib import Path

from api.home_libraries import HomeLibraries
from engine.broker import BrokerConfig
from larder import handover
from larder.environment import PREFIX
from larder.role import Role
from larder.settings import Settings

ENGINE_SOCKET = "engine.sock"
BEHIND_S = 1.0
"""One API process and R make the server ready; what is not needed for that starts a bit later."""

MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.arena_max=2"
    ":glibc.malloc.mmap_threshold=1048576:glibc.malloc.trim_threshold=8388608"
}
"""How roles with many threads take memory. Left to itself, glibc gives each thread a heap of its
own that keeps the largest answer it ever held: 16 of them on 2 cores, and 512 on 64."""


def engine_socket(settings: Settings) -> Path:
    """Where the project's engine listens."""
    return settings.state_folder / ENGINE_SOCKET


def apps_folder(settings: Settings) -> Path:
    """The shelf of what was installed."""
    return settings.state_folder / "apps"


def broker_config(settings: Settings, *, state: Path | None = None) -> BrokerConfig:
    """What the broker of the project is told; `state` is another folder for what it leaves."""
    state = state or settings.state_folder
    return BrokerConfig(
        socket=str(state / ENGINE_SOCKET),
        state=str(state),
        sessions_root=str(settings.state_folder / "sessions"),
        project=settings.project_name,
        folder=str(settings.folder),
        preload=settings.preload,
        spares=settings.spares,
        max_running=settings.max_running,
        walls=settings.engine.walls,
        reads=[*settings.engine.reads, *_home_libraries(settings)],
        json_digits=settings.cache.json_digits,
        template_bytes=settings.engine.templates_memory_bytes,
        live={
            "idle_s": settings.engine.live_idle_s if settings.engine.live == "on" else 0,
            "memory_bytes": settings.engine.live_memory_bytes,
        },
    )


def _home_libraries(settings: Settings) -> list[str]:
    """The R libraries of this machine's users, where /ocpu/user serves them."""
    apis = settings.ocpu.apis
    if apis is not None and "user" not in apis:
        return []
    return [str(folder) for folder in HomeLibraries().every()]


def engine_command(settings: Settings, config: BrokerConfig) -> tuple[str, ...]:
    """The broker, its log in the form that the settings ask for."""
    log = settings.log
    return _python("larder.engine_role", config.to_json(), log.level, log.format)


def engine_role(settings: Settings) -> Role:
    """R."""
    exposed = (settings.host,) if settings.is_exposed else ()
    command = (*engine_command(settings, broker_config(settings)), *exposed)
    return Role("engine", command, engine_environment(), serves_others=True)


def engine_environment() -> dict[str, str]:
    """The variables of the broker: none of ours, for R code could read secrets in /proc."""
    return {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}


def scheduler_role(settings: Settings) -> Role:
    """The clock, and the runs that it starts."""
    command = _python("larder.scheduler_role")
    return Role("scheduler", command, _environment(settings), waits_s=BEHIND_S)


def api_role(settings: Settings, number: int, listening_fd: int) -> Role:
    """One of the processes that answer requests, all on the same listening socket."""
    name = f"api-{number}"
    command = _python("larder.api_role", name, str(listening_fd))
    waits_s = BEHIND_S if number > 1 else 0.0
    return Role(name, command, _environment(settings), pass_fds=(listening_fd,), waits_s=waits_s)


def _environment(settings: Settings) -> dict[str, str]:
    return {**MEMORY, **os.environ, handover.VARIABLE: handover.to_text(settings)}


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
