"""RowsSource: the table of a rows job, with keys and digests of its rows, on disk."""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from cache.rowkeys import RowKeys
from engine.frame import Frame
from jobs.arrow_frame import to_frame
from jobs.errors import RowsUnreadable
from jobs.nearest import did_you_mean
from jobs.r_expression import AsksR
from jobs.row_keys import read_keys
from jobs.spool import Spool
from jobs.table_source import TableSource

RowKey = int | str

_WHOLE = re.compile(r"\s*[-+]?[0-9]{1,18}\s*")


@dataclass(frozen=True)
class Rows:
    """Where the rows of a job come from and how R gets them.

    Attributes:
        source: The table.
        key: Column that names each row.
        pass_as: Argument that gets the rows as a data frame.
        batch: Rows per call of R.
    """

    source: TableSource
    key: str
    pass_as: str
    batch: int = 5000


@dataclass(frozen=True)
class RowBatch:
    """Rows that go to R together: their keys, content digests and columns, in one order.

    `start` is the place of the first of them in the source.
    """

    start: int
    keys: Sequence[RowKey]
    digests: Sequence[int]
    frame: Frame


class RowsSource:
    """A table that was read, with a digest of the content of each row.

    It lies on disk, in files without a name: memory does not grow with its rows. Close it.

    Attributes:
        rows: What it was read for.
        keys: The key of each row, whole numbers or texts, each once; and the signed 64-bit digest
            of its content and the columns' names.
    """

    def __init__(self, rows: Rows, keys: RowKeys, spool: Spool) -> None:
        self.rows = rows
        self.keys = keys
        self._spool = spool
        self._wide = frozenset(filter(spool.kinds.is_wide, spool.columns))

    @classmethod
    def read(cls, rows: Rows, r: AsksR | None = None, *, folder: Path | None = None) -> Self:
        """The table of `rows`; `r` makes those that R makes.

        Args:
            rows: What to read.
            r: Makes those that R makes.
            folder: Where there is room for it; that of temporary files if None.

        Raises:
            RowsUnreadable: If it cannot be read, or a key is missing or not unique.
            EngineError: R had to be asked and could not.
            StoreFull, StoreUnavailable: There is no room for it.
        """
        folder = folder or Path(tempfile.gettempdir())
        spool = Spool(rows.source.name, rows.source.parts(r), folder)
        try:
            _check_key_column(rows, spool.columns)
            return cls(rows, read_keys(spool, rows.key, folder), spool)
        except BaseException:
            spool.close()
            raise

    def __len__(self) -> int:
        return len(self.keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back the room."""
        self._spool.close()
        self.keys.close()

    def batches(self, places: Iterable[int] | None = None) -> Iterator[RowBatch]:
        """The rows at these places, which rise (all of them if None), `batch` at a time."""
        rest = iter(range(len(self)) if places is None else places)
        while group := list(islice(rest, self.rows.batch)):
            yield self._batch(group)

    def row(self, key: RowKey) -> RowBatch | None:
        """The one row with that key as a batch, or None; a part of the table is read for it."""
        place = self.keys.place(key)
        return None if place is None else self._batch([place])

    def parse_key(self, text: str) -> RowKey:
        """The key that `text` of a query means: a number where the keys are numbers."""
        return int(text) if self.keys.numbers and _WHOLE.fullmatch(text) else text

    def _batch(self, places: Sequence[int]) -> RowBatch:
        taken = self._spool.take(places)
        keys = taken.column(self.rows.key).to_pylist()
        return RowBatch(places[0], keys, self.keys.digests(places), to_frame(taken, self._wide))


def check_key_column(rows: Rows, r: AsksR | None = None) -> None:
    """Looks at the names of the columns alone.

    Raises:
        RowsUnreadable: If the source cannot be read, or lacks the key column.
    """
    _check_key_column(rows, rows.source.columns(r))


def check_keys(rows: Rows) -> None:
    """Looks at the keys of all rows.

    Raises:
        RowsUnreadable: If the source cannot be read, or a key is missing or not unique.
        StoreFull, StoreUnavailable: There is no room to compare them.
    """
    RowsSource.read(rows).close()


def _check_key_column(rows: Rows, names: Sequence[str]) -> None:
    if rows.key in names:
        return
    hint = did_you_mean(rows.key, names, otherwise=f"its columns: {', '.join(names[:12])}")
    separators = [mark for mark in (";", "\t", "|") if len(names) == 1 and mark in names[0]]
    if separators:
        hint = f"the columns seem to be separated by {separators[0]!r}; write commas"
    reason = f"has no column '{rows.key}'"
    if not names:
        reason, hint = "is empty", "its first line has the names of the columns"
    raise RowsUnreadable(rows.source.name, reason, hint, about="key")
