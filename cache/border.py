"""The errors of the disk and of SQLite become ours here, and nowhere else."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cache.errors import CacheError, StoreFull, StoreUnavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def translated(path: Path, error: Exception) -> CacheError:
    """Our error for a foreign one that was met while using ``path``."""
    # A failed rollback hides the reason for it: look through what each error was raised in.
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, sqlite3.Error) and _primary_code(seen) == sqlite3.SQLITE_FULL:
            return StoreFull(path)
        if isinstance(seen, OSError) and seen.errno in _NO_ROOM:
            return StoreFull(path)
        seen = seen.__context__
    reason = error.strerror if isinstance(error, OSError) else None
    return StoreUnavailable(path, reason or str(error) or type(error).__name__)


def _primary_code(error: sqlite3.Error) -> int:
    # Errors that the Python module raises by itself have no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def disk_border(path: Path) -> Iterator[None]:
    """Lets no ``OSError`` and no ``sqlite3.Error`` out of the block.

    Raises:
        StoreFull: there is no room for what was being written.
        StoreUnavailable: anything else that the disk or SQLite refused.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise translated(path, error) from error
