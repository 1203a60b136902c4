"""Sessions on disk: one folder each, written aside and published by one rename."""

import errno
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cache.border import disk_border
from cache.errors import SessionError, SessionNotFound
from cache.manifest import MANIFEST, Manifest
from cache.tree import remove_tree, size_of_tree

__all__ = ["MANIFEST", "Manifest", "Session", "SessionFolder", "Stage", "is_session_key"]

_KEY: Final = re.compile(r"x0[0-9a-f]{13,64}")
_LONGEST: Final = 64


def is_session_key(text: str) -> bool:
    """Whether the text has the form of a session key, which no path has."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True)
class Stage:
    """A private folder in which a session comes to be, seen by nobody until it is published."""

    session_key: str
    path: Path


@dataclass(frozen=True)
class Session:
    """A published session: it is whole, and its files do not change."""

    session_key: str
    path: Path
    manifest: Manifest


class SessionFolder:
    """The sessions under one root, and the stages under ``.staging`` beside them.

    Several processes may use one root at once. Holds nothing open, so it may cross a fork.
    """

    def __init__(self, root: Path, *, key_digits: int = 13) -> None:
        """Opens the root, and makes it if it is not there.

        Args:
            root: of one file system, since publishing is a rename.
            key_digits: random hexadecimal digits of a new key, 13 (as OpenCPU has) to 64.

        Raises:
            StoreFull: there is no room to make it.
            StoreUnavailable: it cannot be written.
        """
        if not 13 <= key_digits <= _LONGEST:
            raise ValueError(f"a session key has 13 to {_LONGEST} digits, not {key_digits}")
        self.root = root
        self._key_digits = key_digits
        self._staging = root / ".staging"
        with disk_border(root):
            self._staging.mkdir(mode=0o700, parents=True, exist_ok=True)

    def new_key(self) -> str:
        """A key that no session has: ``x0`` and random digits nobody can guess."""
        return "x0" + secrets.token_hex((self._key_digits + 1) // 2)[: self._key_digits]

    def stage(self, session_key: str | None = None) -> Stage:
        """A fresh, empty, private folder for a session of this key, or of a new one.

        Raises:
            SessionError: the key has no proper form, or its session is being staged already.
            StoreFull: there is no room.
            StoreUnavailable: the root cannot be written.
        """
        session_key = self.new_key() if session_key is None else session_key
        if not is_session_key(session_key):
            raise SessionError(session_key, "this is no session key")
        path = self._staging / session_key
        with disk_border(self.root):
            try:
                path.mkdir(mode=0o700)
            except FileExistsError:
                raise SessionError(session_key, "it is being staged already") from None
        return Stage(session_key, path)

    def publish(self, stage: Stage, *, cache_key: str | None = None, owner: str = "") -> Path:
        """Makes the session visible, whole, by one rename; gives its folder.

        Args:
            stage: what it came to be in.
            cache_key: of the entry that will be made of it; the manifest says it from then on.
            owner: whoever had it made; the manifest says that too.

        Raises:
            SessionError: the manifest is missing or unreadable, or the key is taken. The stage
                stays as it is.
            StoreFull: there is no room.
            StoreUnavailable: the root cannot be written.
        """
        manifest = _manifest(stage.session_key, stage.path)
        published = self.root / stage.session_key
        with disk_border(self.root):
            if cache_key is not None or owner:
                noted = replace(manifest, cache_key=cache_key, owner=owner, shared=False)
                _write(stage.path, noted.to_json())
            try:
                stage.path.rename(published)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                raise SessionError(stage.session_key, "there is a session of this key") from error
        return published

    def share(self, session_key: str, *, shared: bool) -> None:
        """Notes whether others than its owner may read a session.

        Raises:
            SessionNotFound: there is none.
            SessionError: its manifest cannot be read.
            StoreFull, StoreUnavailable: that cannot be written.
        """
        session = self.open(session_key)
        with disk_border(self.root):
            try:
                _write(session.path, replace(session.manifest, shared=shared).to_json())
            except FileNotFoundError:
                raise SessionNotFound(session_key) from None

    def discard(self, stage: Stage) -> None:
        """Removes a stage that will not be published; nothing happens if it is gone."""
        remove_tree(stage.path)

    def open(self, session_key: str) -> Session:
        """The published session of this key. Reads one small file.

        Raises:
            SessionNotFound: there is none, or this is no session key.
            SessionError: its manifest is missing or cannot be read.
            StoreUnavailable: the disk refuses.
        """
        if not is_session_key(session_key):
            raise SessionNotFound(session_key)
        path = self.root / session_key
        try:
            return Session(session_key, path, _manifest(session_key, path))
        except SessionError:
            if path.is_dir():
                raise
            raise SessionNotFound(session_key) from None

    def delete(self, session_key: str) -> bool:
        """Removes a session; whether there was one. It vanishes at once, its files after that."""
        if not is_session_key(session_key):
            return False
        doomed = self._staging / f"{session_key}.{secrets.token_hex(4)}"
        with disk_border(self.root):
            try:
                (self.root / session_key).rename(doomed)
            except FileNotFoundError:
                return False
        remove_tree(doomed)
        return True

    def keys(self) -> Iterator[str]:
        """The keys of all published sessions, in no order."""
        with disk_border(self.root):
            for path in self.root.iterdir():
                if is_session_key(path.name):
                    yield path.name

    def exists(self, session_key: str) -> bool:
        """Whether there is a published session of this key."""
        return is_session_key(session_key) and (self.root / session_key).is_dir()

    def is_staged(self, session_key: str) -> bool:
        """Whether a session of this key is coming to be, or was when its process died."""
        return is_session_key(session_key) and (self._staging / session_key).is_dir()

    def has_manifest(self, session_key: str) -> bool:
        """Whether there is one, and it has a manifest, readable or not."""
        return self.exists(session_key) and (self.root / session_key / MANIFEST).is_file()

    def created_at(self, session_key: str) -> datetime:
        """When the session was made: by its manifest, or if that is unreadable by its folder.

        Raises:
            SessionNotFound: there is no such session.
        """
        try:
            return self.open(session_key).manifest.created_at
        except SessionNotFound:
            raise
        except SessionError:
            with disk_border(self.root):
                return datetime.fromtimestamp((self.root / session_key).stat().st_mtime, UTC)

    def size_bytes(self, session_key: str) -> int:
        """The room that the files of a session take; 0 if there is none."""
        return size_of_tree(self.root / session_key) if is_session_key(session_key) else 0

    def clear_staging(self, older_than_s: float) -> int:
        """Removes what is left of stages that no one has touched for so long; how many.

        Goes by the file system's clock, which is the one that dated them.
        """
        before = time.time() - older_than_s
        cleared = 0
        with disk_border(self.root):
            for path in list(self._staging.iterdir()):
                try:
                    if path.stat().st_mtime < before:
                        remove_tree(path)
                        cleared += 1
                except FileNotFoundError:  # published or discarded meanwhile
                    continue
        return cleared


def _write(folder: Path, manifest: bytes) -> None:
    """Writes the manifest into the place of the old one, or of a link that was put there."""
    aside = folder / f".{secrets.token_hex(8)}"
    with aside.open("xb") as file:
        file.write(manifest)
    aside.replace(folder / MANIFEST)


def _manifest(session_key: str, folder: Path) -> Manifest:
    try:
        data = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        raise SessionError(session_key, "it has no manifest") from None
    except OSError as error:
        raise SessionError(session_key, f"its manifest cannot be read: {error.strerror}") from error
    return Manifest.from_json(data, session_key)
