"""What can go wrong on the floor, one class for each situation.

CacheError
├── ArgumentUnsupported     an argument that has no canonical text
├── PickleRefused           something that is not bytes was put into the results store, or lay there
├── EntryUnreadable         the stored bytes of an entry make no sense
├── EntryFormatTooNew       a later Larder wrote this entry
├── EntryTooLarge           more than one row of the results store can hold
├── StoreFull               the disk has no room; nothing that was stored before is lost
├── StoreUnavailable        a file or folder cannot be opened, is locked too long, or is damaged
├── RowsRefused             rows that do not fit together
│   └── ColumnUnknown       a column that the rows do not have
└── SessionError            a session that cannot be staged, published or read
    ├── SessionNotFound     no session has this key
    └── SessionFormatTooNew a later Larder wrote this session
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class CacheError(Exception):
    """The root of everything that this package raises."""


class ArgumentUnsupported(CacheError):
    """An argument that has no canonical text, so no key."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"argument {name!r} cannot be part of a key: {reason}")
        self.name = name
        self.reason = reason


class PickleRefused(CacheError):
    """The results store holds bytes; it neither writes nor reads pickles (CVE-2025-69872)."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the results store keeps bytes only, not {what}")
        self.what = what


class EntryUnreadable(CacheError):
    """The stored bytes of an entry make no sense."""

    def __init__(self, cache_key: str, reason: str) -> None:
        super().__init__(f"entry {cache_key} cannot be read: {reason}")
        self.cache_key = cache_key
        self.reason = reason


class EntryFormatTooNew(CacheError):
    """A later Larder wrote this entry."""

    def __init__(self, found: int, newest: int) -> None:
        super().__init__(f"entry has format {found}, this Larder reads up to {newest}")
        self.found = found
        self.newest = newest


class EntryTooLarge(CacheError):
    """More than one row of the results store can hold."""

    def __init__(self, cache_key: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"entry {cache_key} has {size_bytes:,} bytes, more than {limit_bytes:,}")
        self.cache_key = cache_key
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class StoreFull(CacheError):
    """The disk has no room; nothing that was stored before is lost."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no room left on disk for {path.name}")
        self.path = path


class StoreUnavailable(CacheError):
    """A file or folder cannot be opened, is locked too long, or is damaged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be used: {reason}")
        self.path = path
        self.reason = reason


class RowsRefused(CacheError):
    """Rows that do not fit together."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"rows of {path.stem}: {reason}")
        self.path = path
        self.reason = reason


class ColumnUnknown(RowsRefused):
    """A column that the rows do not have."""

    def __init__(self, path: Path, column: str, known: Iterable[str]) -> None:
        self.column = column
        self.known = tuple(known)
        self.nearest = next(iter(get_close_matches(column, self.known, 1)), None)
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(path, f"there is no column {column!r}{hint}")


class SessionError(CacheError):
    """A session that cannot be staged, published or read."""

    def __init__(self, session_key: str, reason: str) -> None:
        super().__init__(f"session {session_key}: {reason}")
        self.session_key = session_key
        self.reason = reason


class SessionNotFound(SessionError):
    """No session has this key."""

    def __init__(self, session_key: str) -> None:
        super().__init__(session_key, "not found")


class SessionFormatTooNew(SessionError):
    """A later Larder wrote this session."""

    def __init__(self, session_key: str, found: int, newest: int) -> None:
        super().__init__(session_key, f"has format {found}, this Larder reads up to {newest}")
        self.found = found
        self.newest = newest
