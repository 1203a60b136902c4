"""Folders of calls whose child is a user of its own: given to it, and taken back from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

DEEPEST = 40
"""Folders further down stay what they are: the way to them is closed."""
FEW_FILES = 100
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def give(folder: Path, user: int) -> None:
    """Gives a folder, with all in it, to the user of a child."""
    for _ in _own(folder, user):
        pass


def take_back(folder: Path, most: int | None = None) -> bool:
    """Makes a folder, with all in it, this process's own again; whether that is done.

    It is not where more than `most` files are in it. Safe while the child still moves things about
    there, and once it is done, nothing can be added.
    """
    return all(most is None or count < most for count, _ in enumerate(_own(folder, os.geteuid())))


async def settle(folder: Path) -> None:
    """Takes a folder back: here, unless that is a matter of many files."""
    if not take_back(folder, FEW_FILES):
        await asyncio.to_thread(take_back, folder)


def _own(folder: Path, user: int) -> Iterator[None]:
    """Changes a folder, then what is in it, a step at a time."""
    try:
        place = os.open(folder, FOLDER)
    except FileNotFoundError:
        return
    try:
        os.fchown(place, user, user)
        yield from _own_entries(place, user, DEEPEST)
    finally:
        os.close(place)


def _own_entries(place: int, user: int, levels: int) -> Iterator[None]:
    with os.scandir(place) as entries:
        for entry in entries:
            yield
            try:
                os.chown(entry.name, user, user, dir_fd=place, follow_symlinks=False)
                if not levels or not entry.is_dir(follow_symlinks=False):
                    continue
                deeper = os.open(entry.name, FOLDER, dir_fd=place)
            except OSError:  # it went, or became something else, meanwhile
                continue
            try:
                yield from _own_entries(deeper, user, levels - 1)
            finally:
                os.close(deeper)
