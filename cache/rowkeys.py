"""RowKeys: key and digest of each row that a source has now, on disk for as long as it is open."""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from threading import RLock
from typing import Any, Final

from cache.border import disk_border

_LOCKED_FOR_S: Final = 30  # what is attached may be locked by its writer
_AT_ONCE: Final = 10_000


class RowKeys:
    """Key and digest of each row of a source, in its order: places count from 0.

    They lie in a SQLite file without a name, which is gone with the process however that ends:
    memory does not grow with the rows. Threads take turns. Do not carry it across a fork.

    Args:
        folder: where there is room for it.
        numbers: whether the keys are whole numbers; else they are texts.
    """

    def __init__(self, folder: Path, *, numbers: bool) -> None:
        self.numbers = numbers
        self.folder = folder
        self._turn = RLock()
        self._size = 0
        with disk_border(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".keys-") as file:
                self._connection = sqlite3.connect(
                    file.name, timeout=_LOCKED_FOR_S, isolation_level=None, check_same_thread=False
                )
                kind = "INTEGER" if numbers else "TEXT"
                # Nothing of it outlives a failure: so no journal, and no waiting for the disk.
                self._connection.executescript(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                    "CREATE TABLE seen (place INTEGER PRIMARY KEY,"
                    f" key {kind} NOT NULL, digest INTEGER NOT NULL)"
                )

    def add(self, keys: Sequence[Any], digests: Sequence[int]) -> None:
        """Puts these behind the others.

        Raises:
            StoreFull, StoreUnavailable: there is no room for them.
        """
        places = range(self._size, self._size + len(keys))
        with self.lent() as connection:
            connection.execute("BEGIN")
            connection.executemany(
                "INSERT INTO seen VALUES (?, ?, ?)", zip(places, keys, digests, strict=True)
            )
            connection.execute("COMMIT")
            self._size += len(keys)

    def repeated(self) -> tuple[Any, int, int, int] | None:
        """A key that two rows have, their places, and how many rows repeat one; None if none does.

        To be asked once, when all are there: only then keys are found quickly.
        """
        with self.lent() as connection:
            try:
                connection.execute("CREATE UNIQUE INDEX by_key ON seen (key)")
            except sqlite3.IntegrityError:
                first = "SELECT min(place) FROM seen GROUP BY key"
                second, key, count = connection.execute(
                    f"SELECT min(place), key, count(*) FROM seen WHERE place NOT IN ({first})"  # noqa: S608
                ).fetchone()
                earlier = connection.execute("SELECT min(place) FROM seen WHERE key = ?", (key,))
                return key, earlier.fetchone()[0], second, count
        return None

    def place(self, key: int | str) -> int | None:
        """Where the row of this key is; None if there is none."""
        if isinstance(key, str) is self.numbers:
            return None
        with self.lent() as connection:
            try:
                found = connection.execute("SELECT place FROM seen WHERE key = ?", (key,))
            except OverflowError:  # a number that no row can have
                return None
            row: tuple[int] | None = found.fetchone()
        return None if row is None else row[0]

    def digests(self, places: Sequence[int]) -> list[int]:
        """The digests of the rows at these places, which rise."""
        return self._at("digest", places)

    def at(self, places: Sequence[int]) -> list[Any]:
        """The keys of the rows at these places, which rise."""
        return self._at("key", places)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, self._size, _AT_ONCE):
            yield from self.at(range(start, min(start + _AT_ONCE, self._size)))

    def _at(self, column: str, places: Sequence[int]) -> list[Any]:
        if not places:
            return []
        values: list[Any] = [places[0], places[-1]]
        condition = "place >= ? AND place <= ?"
        if places[-1] - places[0] >= len(places):  # some between them are not wanted
            condition, values = "place IN (SELECT value FROM json_each(?))", [dumps(list(places))]
        with self.lent() as connection:
            found = connection.execute(
                f"SELECT {column} FROM seen WHERE {condition} ORDER BY place",  # noqa: S608  (ours)
                values,
            )
            return [value for (value,) in found]

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone: its table `seen` has place, key and digest."""
        with self._turn, disk_border(self.folder):
            yield self._connection

    def close(self) -> None:
        """Gives back the room."""
        with self._turn:
            self._connection.close()
