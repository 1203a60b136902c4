"""Spool: a table on disk, written once and read a part at a time."""

import tempfile
from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock

import pyarrow as pa

from cache.border import disk_border
from jobs.plain_table import ColumnKinds

MOST_ROWS = 10_000
"""In one part: what is held in memory at a time."""


class Spool:
    """The rows of a source as they were read, in types that R has.

    They lie in a file without a name, gone with the process however that ends. A type that only a
    later part tells counts for all of them: parts get it when they are read. For any number of
    threads.

    Args:
        name: What people call the table.
        parts: Its parts; the first has all columns, if no rows.
        folder: Where there is room for it.

    Raises:
        RowsUnreadable: If two columns have one name, or one holds what R has no type for.
        StoreFull, StoreUnavailable: There is no room for it.
    """

    def __init__(self, name: str, parts: Generator[pa.Table], folder: Path) -> None:
        self.name = name
        self.kinds = ColumnKinds(name)
        self._folder = folder
        self._turn = Lock()
        self._starts: list[int] = []
        self._offsets: list[int] = []
        self._last: tuple[int, pa.Table | None] = -1, None
        self._size = 0
        with disk_border(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        try:
            self._columns: list[str] = []
            with closing(parts):
                for part in parts:
                    self._columns = part.column_names
                    for start in range(0, max(part.num_rows, 1), MOST_ROWS):
                        self._write(self.kinds.plain(part.slice(start, MOST_ROWS)))
        except BaseException:
            self.close()
            raise

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return self._columns

    def __len__(self) -> int:
        return self._size

    def parts(self) -> Iterator[tuple[int, pa.Table]]:
        """The place of the first row of each part, and the part."""
        for number, start in enumerate(self._starts):
            yield start, self._read(number)

    def take(self, places: Sequence[int]) -> pa.Table:
        """The rows at these places, which rise; the part read last is at hand."""
        taken = []
        rest = deque(places)
        while rest:
            number = bisect_right(self._starts, rest[0]) - 1
            start, part = self._starts[number], self._read(number)
            here = []
            while rest and rest[0] < start + part.num_rows:
                here.append(rest.popleft() - start)
            first, count = here[0], len(here)
            is_run = here[-1] - first + 1 == count
            taken.append(part.slice(first, count) if is_run else part.take(here))
        return pa.concat_tables(taken)

    def close(self) -> None:
        """Gives back the room."""
        self._file.close()

    def _write(self, part: pa.Table) -> None:
        if not part.num_rows:
            return
        with disk_border(self._folder):
            self._starts.append(self._size)
            self._offsets.append(self._file.tell())
            # A stream of its own for each part: their types may differ.
            with pa.ipc.new_stream(self._file, part.schema) as stream:
                stream.write_table(part)
        self._size += part.num_rows

    def _read(self, number: int) -> pa.Table:
        with self._turn, disk_border(self._folder):
            if self._last[0] != number:
                self._file.seek(self._offsets[number])
                part = pa.ipc.open_stream(self._file).read_all()
                self._last = number, self.kinds.fitted(part)
            return self._last[1]
