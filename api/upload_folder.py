"""The folder of one large request: what it uploads lies there until a call takes it over."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path

FOLDER = "uploads"
"""Where these folders are, in the state folder: on the file system of the sessions."""


class UploadFolder:
    """A private folder below `state_folder`.

    It is locked for as long as it is in use, so what a killed process left is known by its lock
    being free: whoever makes the next folder removes it. Blocks: for worker threads.

    Raises:
        OSError: the folder cannot be made; ENOSPC where there is no room.
    """

    def __init__(self, state_folder: Path) -> None:
        clear_abandoned(state_folder)
        root = state_folder / FOLDER
        root.mkdir(mode=0o700, exist_ok=True)
        self.path, self._lock = _make(root)

    def close(self) -> None:
        """Removes the folder and whatever is still in it; nothing happens the second time."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def clear_abandoned(state_folder: Path) -> int:
    """Removes the folders whose process has died; returns how many."""
    cleared = 0
    with contextlib.suppress(FileNotFoundError):  # nothing large ever came
        for path in list((state_folder / FOLDER).iterdir()):
            with contextlib.suppress(OSError):  # it is in use, or somebody else was quicker
                lock = _locked(path)
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
                cleared += 1
    return cleared


def _make(root: Path) -> tuple[Path, int]:
    while True:
        path = root / secrets.token_hex(16)
        path.mkdir(mode=0o700)
        # Between these lines another process may take it for abandoned.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            return path, _locked(path)


def _locked(path: Path) -> int:
    """Returns a descriptor of the folder that holds its lock.

    Raises:
        BlockingIOError: it is in use.
        FileNotFoundError: it is gone.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.stat()
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
