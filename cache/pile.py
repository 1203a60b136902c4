"""Pile: lines laid on disk one after the other, to be read again in that order or in another."""

import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cache.border import disk_border

_AT_ONCE: Final = 500

SortKey = tuple[int, Any]
"""A rank, and within it a number, text or bytes: what SQLite puts in order by itself."""


class Pile:
    """Lines on disk, for as long as somebody holds the pile.

    They lie in a SQLite file without a name, gone with the process however that ends: memory does
    not grow with them. For one thread after the other. Do not carry it across a fork.

    Every method raises ``StoreFull`` or ``StoreUnavailable`` where the disk has no room for them,
    or fails.

    Args:
        folder: where there is room for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_border(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".pile-") as file:
                self._connection = sqlite3.connect(
                    file.name, isolation_level=None, check_same_thread=False
                )
                self.close = weakref.finalize(self, self._connection.close)
                # Nothing of it outlives a failure: so no journal, and no waiting for the disk.
                self._connection.executescript(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
                    "CREATE TABLE lines (place INTEGER PRIMARY KEY, line BLOB NOT NULL);"
                    "CREATE TABLE sorted (rank INTEGER NOT NULL, key, place INTEGER NOT NULL)"
                )

    def add(self, lines: Iterable[bytes]) -> None:
        """Lays these on the pile, as they come."""
        self._write("INSERT INTO lines (line) VALUES (?)", ((line,) for line in lines))

    def sort(self, keys: Iterable[SortKey]) -> None:
        """Takes a key for each line, in their order; from now on lines come in that of the keys."""
        places = ((*key, place) for place, key in enumerate(keys, start=1))
        self._write("INSERT INTO sorted VALUES (?, ?, ?)", places)
        with disk_border(self._folder):
            self._connection.execute("CREATE INDEX by_key ON sorted (rank, key, place)")

    def lines(self, *, descending: bool = False) -> Iterator[bytes]:
        """The lines as they came; ``descending`` the other way round."""
        way = "DESC" if descending else "ASC"
        return self._read(f"SELECT line FROM lines ORDER BY place {way}")  # noqa: S608  (ours)

    def sorted_lines(self, *, descending: bool = False) -> Iterator[bytes]:
        """The lines in the order of their keys; those of equal keys as they came, either way."""
        way = "DESC" if descending else "ASC"
        order = f"rank {way}, key {way}, place"
        return self._read(f"SELECT line FROM sorted JOIN lines USING (place) ORDER BY {order}")  # noqa: S608  (ours)

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with disk_border(self._folder):
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")

    def _read(self, statement: str) -> Iterator[bytes]:
        with disk_border(self._folder):
            found = self._connection.execute(statement)
            while some := found.fetchmany(_AT_ONCE):
                for (line,) in some:
                    yield line
