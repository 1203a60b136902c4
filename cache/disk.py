"""Our terms for using diskcache: bytes only, nothing evicted, nothing counted, all in one file."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import diskcache
from diskcache.core import MODE_RAW, UNKNOWN

from cache.errors import PickleRefused

_AT_ONCE: Final = 500  # rows in one statement: few enough that other processes get their turn


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no types
    """Text keys and bytes values, neither ever pickled nor unpickled, and no files of their own.

    diskcache 5.6.3 unpickles whatever a row says is a pickle (CVE-2025-69872), so reading refuses
    as well as writing.

    Values stay in the database however large. A file beside it would make 200 KB 35 µs faster to
    read, but diskcache removes a replaced file before the transaction around it commits: a full
    disk would then lose the old answer, and a reader could find the new one gone.
    """

    def put(self, key: object) -> tuple[str, bool]:
        """The key as it stands in the row."""
        if not isinstance(key, str):
            raise PickleRefused(f"a key that is a {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> str:
        """The key that stands in the row."""
        if not raw or not isinstance(key, str):
            raise PickleRefused("a pickled key")
        return key

    def store(
        self,
        value: object,
        read: bool,  # noqa: FBT001  (diskcache's signature)
        key: object = UNKNOWN,
    ) -> tuple[int, int, None, bytes]:
        """The value as size of file, mode, name of file and content of row."""
        del key
        if read or not isinstance(value, bytes):
            raise PickleRefused(f"a value that is a {type(value).__name__}")
        return 0, MODE_RAW, None, value

    def fetch(
        self,
        mode: int,
        filename: object,
        value: object,
        read: bool,  # noqa: FBT001  (diskcache's signature)
    ) -> bytes:
        """The value that stands in the row."""
        if mode != MODE_RAW or filename is not None or read or not isinstance(value, bytes):
            raise PickleRefused("a pickle or file of another program")
        return value


SETTINGS: Final = {
    "disk": BytesDisk,
    "eviction_policy": "none",  # any other makes each read write, or culls while writing
    "cull_limit": 0,
    "statistics": 0,  # counted reads are write transactions
    "tag_index": 1,
    "size_limit": 2**62,  # the budget is the sweep's
    # Pages that every thread's connection keeps for itself: diskcache's 8,192 are 32 MiB for each
    # thread that ever read. The first 64 MiB of the file are mapped, and shared, and the kernel
    # keeps the rest.
    "sqlite_cache_size": 2**8,
}


class Rows(diskcache.Cache):  # type: ignore[misc]  # diskcache ships no types
    """A diskcache whose rows can be listed by tag and fetched many at a time.

    Both read the table that diskcache keeps, with statements of our own, because its interface has
    neither. They decide what is a value as ``fetch`` does.
    """

    def tagged(self, tag: str | None) -> Iterator[tuple[str, object]]:
        """Key and value of all rows with this tag, or with any; a bad row's value is no bytes.

        Goes from statement to statement, so a writer in between is neither blocked nor missed.
        """
        last: tuple[Any, int] = ("", 0) if tag is None else (tag, 0)
        while True:
            found = self._sql(
                "SELECT tag, rowid, key, mode, value FROM Cache"
                " WHERE (tag, rowid) > (?, ?) AND tag <= ? AND tag IS NOT NULL"
                " ORDER BY tag, rowid LIMIT ?",
                # A blob sorts after every text.
                (*last, b"" if tag is None else tag, _AT_ONCE),
            ).fetchall()
            for _, _, key, mode, value in found:
                yield key, value if mode == MODE_RAW else None
            if len(found) < _AT_ONCE:
                return
            last = found[-1][0], found[-1][1]

    def among(self, keys: Iterable[str]) -> Iterator[tuple[str, object]]:
        """Key and value of those of these rows that exist; a bad row's value is no bytes."""
        wanted = list(keys)
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            statement = f"SELECT key, mode, value FROM Cache WHERE raw = 1 AND key IN ({marks})"  # noqa: S608  (question marks only)
            for key, mode, value in self._sql(statement, some).fetchall():
                yield key, value if mode == MODE_RAW else None

    def which(self, keys: Iterable[str]) -> set[str]:
        """Those of these keys under which there is a row."""
        wanted, found = list(keys), set[str]()
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            statement = f"SELECT key FROM Cache WHERE raw = 1 AND key IN ({marks})"  # noqa: S608  (question marks only)
            found.update(key for (key,) in self._sql(statement, some))
        return found

    def set_many(self, rows: Iterable[tuple[str, bytes, str | None]]) -> None:
        """As ``set`` for each key, value and tag, in a transaction of the caller's.

        One statement for each row instead of three.
        """
        now = time.time()
        self._con.executemany(
            "INSERT INTO Cache (key, raw, store_time, expire_time, access_time, access_count, tag,"
            " size, mode, filename, value) VALUES (?, 1, ?, NULL, ?, 0, ?, 0, ?, NULL, ?)"
            " ON CONFLICT (key, raw) DO UPDATE SET store_time = excluded.store_time,"
            " expire_time = NULL, access_time = excluded.access_time, access_count = 0,"
            " tag = excluded.tag, size = 0, mode = excluded.mode, filename = NULL,"
            " value = excluded.value",
            ((key, now, now, tag, MODE_RAW, value) for key, value, tag in rows),
        )

    def keys_from(self, prefix: str) -> Iterator[str]:
        """All keys that start with the prefix, in order."""
        last, end = prefix, prefix + "\U0010ffff"
        while True:
            found = self._sql(
                "SELECT key FROM Cache WHERE raw = 1 AND key > ? AND key < ? ORDER BY key LIMIT ?",
                (last, end, _AT_ONCE),
            ).fetchall()
            yield from (key for (key,) in found)
            if len(found) < _AT_ONCE:
                return
            last = found[-1][0]
