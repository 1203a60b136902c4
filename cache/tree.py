"""Folders that R code filled: removed and measured however deep they are.

R code can make thousands of folders in each other: more than Python's own functions can follow, and
a path longer than the system takes. engine/left_files.py has the same for the engine's folders.
"""

import contextlib
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(root: Path) -> None:
    """Removes a folder and all in it, never following a link; what cannot be removed stays."""
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
        root.rmdir()


def size_of_tree(root: Path) -> int:
    """The bytes of all files in a folder, links not followed."""
    size, folders = 0, [str(root)]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:  # went meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
    return size


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
