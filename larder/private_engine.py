"""An engine for a command: the running server's, or one for as long as the command needs it."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from engine.errors import EngineUnavailable
from engine.launch import SUPPORT_FOLDER
from engine.pool import Pool
from engine.sources import Sources
from larder.errors import EngineNotStarted
from larder.process import start
from larder.roles import (
    ENGINE_SOCKET,
    apps_folder,
    broker_config,
    engine_command,
    engine_environment,
    engine_socket,
)
from larder.settings import Settings
from larder.state import ENGINE_LOCK, Lock

POLL_S = 0.02
STOP_S = 5.0
_SAID = "engine did not start: "


@contextmanager
def engine_to_install(settings: Settings) -> Iterator[Pool]:
    """Gives a pool that can install: the running server's, or one without the project.

    The project's models may need what is to be installed. So nothing here loads them, nor waits
    for a server that cannot.

    Raises:
        EngineNotStarted: R could not be started.
    """
    with closing(Pool(engine_socket(settings))) as pool:
        if _answers(pool):
            yield pool
            return
    with _private(settings, with_project=False) as pool:
        yield pool


@contextmanager
def engine_for(settings: Settings, *, current_models: bool = False) -> Iterator[Pool]:
    """Gives a pool whose engine is ready.

    The state folder must exist.

    Args:
        settings: The project's.
        current_models: Whether a server's engine that has not loaded models/*.R as they are now
            will not do.

    Raises:
        EngineNotStarted: R, or the project's models, could not be loaded.
    """
    pool = Pool(engine_socket(settings))
    try:
        if _serves(pool, settings, current_models=current_models):
            yield pool
            return
    finally:
        pool.close()
    with _private(settings) as pool:
        yield pool


def _answers(pool: Pool) -> bool:
    try:
        pool.info()
    except EngineUnavailable:
        return False
    return True


def _serves(pool: Pool, settings: Settings, *, current_models: bool) -> bool:
    lock = Lock(settings.state_folder, ENGINE_LOCK)
    while True:
        try:
            info = pool.info()
        except EngineUnavailable:
            if not lock.is_held():
                return False
            time.sleep(POLL_S)  # it is starting, or being restarted
        else:
            return not current_models or info["version"] == Sources(settings.folder).digest


@contextmanager
def _private(settings: Settings, *, with_project: bool = True) -> Iterator[Pool]:
    with tempfile.TemporaryDirectory(prefix="larder-", ignore_cleanup_errors=True) as name:
        state = Path(name)
        config = replace(broker_config(settings, state=state), models_required=True)
        if not with_project:
            config = replace(config, project=None, folder=None, preload=[], spares=0)
        command = engine_command(settings, config)
        # The broker's shelf is in its state folder; what is installed belongs to the project.
        (state / apps_folder(settings).name).symlink_to(apps_folder(settings))
        kept = settings.state_folder / SUPPORT_FOLDER  # compiled once for all engines of a project
        with suppress(OSError):  # that cannot be written: it costs time only
            kept.mkdir(mode=0o700, exist_ok=True)
            (state / SUPPORT_FOLDER).symlink_to(kept)
        said = state / "log"
        with said.open("wb") as log:
            process = start(command, environment=engine_environment(), stderr=log.fileno())
        pool = Pool(state / ENGINE_SOCKET)
        try:
            _wait(pool, process, said)
            yield pool
        finally:
            pool.close()
            _stop(process)


def _wait(pool: Pool, process: subprocess.Popen[bytes], said: Path) -> None:
    while True:
        try:
            pool.info()
        except EngineUnavailable:
            if process.poll() is not None:
                raise EngineNotStarted(_reason(said.read_text(errors="replace"))) from None
            time.sleep(POLL_S)
        else:
            return


def _reason(said: str) -> str:
    """What the broker's log says, without what comes before it on its line."""
    before, found, reason = said.rpartition(_SAID)
    return (reason if found else before or said).strip() or "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
