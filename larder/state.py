"""The state folder: made private, and held by one server at a time."""

import fcntl
import os
import time
from pathlib import Path

from larder.errors import ServerRunning, StateUnusable

SERVER_LOCK = "server.lock"
ENGINE_LOCK = "engine.lock"

# `is_held` of another process holds the lock for a moment.
TRIES = 3
PAUSE_S = 0.01


def make_state_folder(folder: Path) -> None:
    """Makes the folder, readable by nobody else.

    Raises:
        StateUnusable: That is not possible.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StateUnusable(folder, _reason(error)) from error


class Lock:
    """A lock on a state folder, held until this process ends or closes it.

    Args:
        folder: The state folder, which exists.
        name: Which lock: `SERVER_LOCK`, `ENGINE_LOCK`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._path = folder / name
        self._file: int | None = None

    def take(self) -> None:
        """Takes the lock and writes this process into it.

        Raises:
            ServerRunning: Another process has it.
            StateUnusable: The folder cannot be written.
        """
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateUnusable(self._folder, _reason(error)) from error
        if not any(_try_lock(file) for _ in range(TRIES)):
            os.close(file)
            raise ServerRunning(self._folder.parent, self.holder())
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def holder(self) -> int | None:
        """The process that has the lock, or took it last."""
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return int(text) if text.isdigit() else None

    def is_held(self) -> bool:
        """Whether some process holds the lock now."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def keep_through_exec(self) -> None:
        """Leaves the lock to the program that takes this one's place."""
        if self._file is not None:
            os.set_inheritable(self._file, True)  # noqa: FBT003 - the os module's own signature

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(PAUSE_S)
        return False
    return True


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
