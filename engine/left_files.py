"""Files in a call's folder, handled by the server while the call may still play with them.

R code owns that folder: it can put a symbolic link, or a folder, where the server looks for a
file, and swap them at any moment. Nothing here follows a link out of the folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from engine.errors import WorkerDied

BODIES = ".bodies"
"""The folder for answers too large for the socket."""
TRIES, PAUSE_S = 50, 0.02
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_left_file(folder: Path, *names: str) -> bytes:
    """Returns the content of the file that a child left in its folder, by folders and its name.

    Raises:
        WorkerDied: it left none, or something that only looks like one.
    """
    try:
        descriptor = open_below(folder, names)
        with os.fdopen(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read()
    except OSError:
        pass
    raise WorkerDied("its answer cannot be read")


def open_below(folder: Path, names: tuple[str, ...]) -> int:
    """Opens what is so many folders down, for reading; returns its descriptor.

    Raises:
        OSError: there is nothing, or a link on the way.
    """
    if any("/" in name for name in names):
        raise FileNotFoundError(names)
    place = os.open(folder, _OPEN | os.O_DIRECTORY)
    for name in names:
        try:
            deeper = os.open(name, _OPEN, dir_fd=place)
        finally:
            os.close(place)
        place = deeper
    return place


def write_beside(folder: Path, name: str, content: bytes) -> None:
    """Writes a file into the folder, in the place of whatever has its name there.

    Raises:
        OSError: the disk is full, or a folder has the name.
    """
    aside = folder / f".{secrets.token_hex(8)}"
    with aside.open("xb") as file:  # "x" takes no link for an answer
        file.write(content)
    aside.replace(folder / name)


def remove_tree(root: Path) -> None:
    """Removes a folder and all in it, never following a link; what cannot be removed stays.

    R code can make more folders in each other than Python's own functions can follow. cache/tree.py
    has the same for sessions. A process that was killed may still make a file: once more, then.
    """
    for _ in range(TRIES):
        empty_folder(root)
        try:
            root.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(PAUSE_S)
        else:
            return


def empty_folder(root: Path) -> None:
    """Removes all that is in a folder, never following a link; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        top = os.open(root, _FOLDER)
        token = secrets.token_hex(8)
        spare = (f".{token}.{number}" for number in itertools.count())
        try:
            # Each round takes one level away: folders in folders are moved up to the top.
            while [name for name in _names(top) if _remove(name, top, spare)]:
                pass
        finally:
            os.close(top)


def _remove(name: str, top: int, spare: Iterator[str]) -> bool:
    """Removes a file, or a folder whose own folders move up; whether that was possible."""
    try:
        os.unlink(name, dir_fd=top)
    except IsADirectoryError:
        pass
    except OSError:
        return False
    else:
        return True
    try:
        place = _open(name, top)
    except OSError:
        return False
    try:
        for inner in _names(place):
            try:
                os.unlink(inner, dir_fd=place)
            except IsADirectoryError:
                os.rename(inner, next(spare), src_dir_fd=place, dst_dir_fd=top)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    finally:
        os.close(place)
    return True


def _open(name: str, top: int) -> int:
    """Opens a folder, even one that its maker closed to everybody."""
    with contextlib.suppress(PermissionError):
        return os.open(name, _FOLDER, dir_fd=top)
    place = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        Path(f"/proc/self/fd/{place}").chmod(0o700)
    finally:
        os.close(place)
    return os.open(name, _FOLDER, dir_fd=top)


def _names(place: int) -> list[str]:
    with os.scandir(place) as entries:
        return [entry.name for entry in entries]
