"""The R libraries in users' home folders, as far as the server may read them."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_VERSION = re.compile(r"(\d+\.\d+)\.\d+")
ANY_VERSION = "R/*-library/*"
OPEN_TO_ALL = stat.S_IROTH | stat.S_IXOTH
"""What root asks of a library: it could read any, but its owner has to have opened it."""


@dataclass(frozen=True)
class User:
    """A user of this machine, and their home folder."""

    name: str
    home: Path


def system_users() -> Iterable[User]:
    """Returns the users that this machine knows."""
    return [User(found.pw_name, Path(found.pw_dir)) for found in pwd.getpwall()]


@dataclass(frozen=True)
class HomeLibraries:
    """Finds users' libraries where R itself looks for them.

    Attributes:
        users: Gives the users.
        as_root: Whether the server is root; None: look.
    """

    users: Callable[[], Iterable[User]] = system_users
    as_root: bool | None = None

    def names(self, r: dict[str, str]) -> list[str]:
        """Returns the users who have a library that the server may read.

        `r` is what the engine says of its R: `version`, and `user_library` where it tells that.
        """
        return [user.name for user in self.users() if self._library_of(user, r) is not None]

    def find(self, name: str, r: dict[str, str]) -> Path | None:
        """Returns the library of this user; None if there is none, or it is not for the server."""
        if _NAME.fullmatch(name) is None:
            return None
        for user in self.users():
            if user.name == name:
                return self._library_of(user, r)
        return None

    def every(self) -> list[Path]:
        """Returns the libraries, for whatever version of R, that the server may read."""
        homes = {user.home for user in self.users()}
        return [folder for home in sorted(homes) for folder in self._libraries(home, ANY_VERSION)]

    def _library_of(self, user: User, r: dict[str, str]) -> Path | None:
        return next(iter(self._libraries(user.home, library_pattern(r))), None)

    def _libraries(self, home: Path, pattern: str) -> list[Path]:
        if not home.is_absolute() or home == Path("/"):
            return []
        try:
            return [folder for folder in sorted(home.glob(pattern)) if self._may_read(folder, home)]
        except OSError:
            return []

    def _may_read(self, library: Path, home: Path) -> bool:
        """Whether the server may read the library, and come to it from the home folder."""
        if not library.is_dir():
            return False
        as_root = os.geteuid() == 0 if self.as_root is None else self.as_root
        if not as_root:
            return os.access(library, os.R_OK | os.X_OK)
        way = [folder for folder in library.parents if folder.is_relative_to(home)]
        modes = [folder.stat().st_mode for folder in way]
        is_open = library.stat().st_mode & OPEN_TO_ALL == OPEN_TO_ALL
        return is_open and all(mode & stat.S_IXOTH for mode in modes)


def library_pattern(r: dict[str, str]) -> str:
    """Returns where R looks for a user's library, relative to the home folder.

    That is R_LIBS_USER where it lies in the home folder, else R's default for this version, of
    whatever platform.
    """
    told = r.get("user_library", "")
    if told.startswith("~/"):
        return re.sub(r"([*?[])", r"[\1]", told.removeprefix("~/").rstrip("/"))
    version = _VERSION.search(r["version"])
    return f"R/*-library/{version[1] if version else '*'}"
