"""The shelf: what was installed, each in a release of its own that went live by one rename.

`ROOT/releases/<random>/` holds `library/` (an R library) or `files/` (a gist) and `installed.json`.
`ROOT/<source>/<name>` is a symbolic link to the live one; replacing it is the only step that
anybody sees. Superseded releases stay for the calls and sessions that use them, until `sweep`.
Safe with many processes at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.install_request import SOURCES, canonical_name, valid_name
from engine.installed import Installed

log = logging.getLogger(__name__)

RECORD = "installed.json"
SUPERSEDED = "superseded"
BUILDING = ".building"
LIBRARY = "library"
FILES = "files"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Shelf:
    """The installations below `root`, which need not exist yet."""

    def __init__(self, root: Path, now: Callable[[], dt.datetime] = _now) -> None:
        self._root = root.resolve()
        self._releases = self._root / "releases"
        self._now = now

    def find(self, source: str, name: str) -> Installed | None:
        """Returns what is installed under this name; None for a malformed name too."""
        return self._read(self._link(source, name)) if valid_name(source, name) else None

    def all(self) -> list[Installed]:
        """Returns everything that is live, by source and name."""
        found = (self._read(link) for link in self._links())
        return [installed for installed in found if installed is not None]

    def looked(self) -> tuple[tuple[str, str], ...]:
        """Returns the live names and their releases: cheap, and different after every change."""
        targets = ((str(link.relative_to(self._root)), _target(link)) for link in self._links())
        return tuple((name, target) for name, target in targets if target is not None)

    def remove(self, source: str, name: str) -> bool:
        """Takes a name off the shelf; its files stay until they are swept."""
        if not valid_name(source, name):
            return False
        link = self._link(source, name)
        with self._alone():
            target = _target(link)
            if target is None:
                return False
            link.unlink()
            self._supersede(target)
            if link.parent.parent != self._root:
                with contextlib.suppress(OSError):  # the owner has others
                    link.parent.rmdir()
        return True

    @contextlib.contextmanager
    def new_release(self) -> Iterator[Path]:
        """Gives an empty folder, safe from sweeping; unless published inside, it is removed."""
        with self._alone():
            folder = self._releases / secrets.token_hex(12)
            folder.mkdir(parents=True)
            lock = os.open(folder / BUILDING, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            if not (folder / RECORD).exists():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def publish(self, release: Path, installed: Installed) -> Installed:
        """Makes a complete release the live one of its name, by one rename."""
        self._write(release, installed)
        link = self._link(installed.source, installed.name)
        aside = release / ".link"
        with self._alone():
            link.parent.mkdir(parents=True, exist_ok=True)
            depth = len(link.relative_to(self._root).parents) - 1
            aside.symlink_to(Path(*[".."] * depth, "releases", release.name))
            old = _target(link)
            aside.replace(link)
            if old is not None:
                self._supersede(old)
            (release / BUILDING).unlink()
        return installed

    def checked(self, installed: Installed) -> Installed:
        """Records that an installation is still what its origin has, now."""
        again = installed.checked(self._now())
        with self._alone():
            if installed.folder.is_dir():
                self._write(installed.folder.parent, again)
        return again

    def sweep(self, older_than_s: float) -> int:
        """Removes what a crash left behind and what was superseded longer ago; returns how many."""
        with self._alone():
            live = {target for link in self._links() if (target := _target(link)) is not None}
            gone = [
                folder
                for folder in _entries(self._releases)
                if folder.name not in live
                and not _is_building(folder)
                and self._is_over(folder, older_than_s)
            ]
            for folder in gone:  # first of all: without it, it is a leftover and no release
                (folder / RECORD).unlink(missing_ok=True)
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        return len(gone)

    def _link(self, source: str, name: str) -> Path:
        return self._root.joinpath(source, *canonical_name(source, name).split("/"))

    def _links(self) -> Iterator[Path]:
        for source in SOURCES:
            for path in _entries(self._root / source):
                yield from [path] if path.is_symlink() else _entries(path)

    def _read(self, link: Path) -> Installed | None:
        target = _target(link)
        if target is None:
            return None
        release = self._releases / target
        try:
            record = json.loads((release / RECORD).read_text())
            folder = release / (LIBRARY if record["package"] is not None else FILES)
            return Installed.from_record(record, folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("installation unreadable release=%s error=%s", target, error)
            return None

    def _write(self, release: Path, installed: Installed) -> None:
        aside = release / f".{RECORD}"
        with aside.open("w") as file:
            json.dump(installed.to_record(), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(release / RECORD)

    def _supersede(self, target: str) -> None:
        with contextlib.suppress(OSError):  # somebody removed it by hand
            (self._releases / target / SUPERSEDED).write_text(self._now().isoformat())

    def _is_over(self, folder: Path, older_than_s: float) -> bool:
        if not (folder / RECORD).exists():
            return True
        try:
            since = dt.datetime.fromisoformat((folder / SUPERSEDED).read_text())
        except (OSError, ValueError):  # a crash came between the rename and the mark
            since = self._now()
            self._supersede(folder.name)
        return (self._now() - since).total_seconds() >= older_than_s

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Holds the shelf's lock, for steps of milliseconds."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._root / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def is_whole(installed: Installed) -> bool:
    """Whether every package, or any file of a gist, is still in its folder."""
    if installed.package is None:
        return installed.folder.is_dir() and any(installed.folder.iterdir())
    return all((installed.folder / name / "DESCRIPTION").is_file() for name in installed.packages)


def _target(link: Path) -> str | None:
    """The random name of the release that a link shows to."""
    try:
        return link.readlink().name
    except OSError:
        return None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_building(folder: Path) -> bool:
    """Whether a living process holds the release's lock."""
    try:
        lock = os.open(folder / BUILDING, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
