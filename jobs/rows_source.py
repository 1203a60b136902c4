"""RowsSource: the table of a rows job, with keys and digests of its rows."""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from engine.frame import Frame
from jobs.arrow_frame import to_frame
from jobs.errors import RowsUnreadable
from jobs.nearest import did_you_mean
from jobs.r_expression import AsksR
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
    """Rows that go to R together: their keys, content digests and columns, in one order."""

    keys: Sequence[RowKey]
    digests: Sequence[int]
    frame: Frame


@dataclass(frozen=True)
class RowsSource:
    """A table that was read, with a digest of the content of each row.

    Attributes:
        rows: What it was read for.
        keys: The key of each row; whole numbers or texts, each once.
        digests: Signed 64-bit digest of each row's content and the columns' names.
    """

    rows: Rows
    keys: Sequence[RowKey]
    digests: Sequence[int]
    _table: pa.Table

    @classmethod
    def read(cls, rows: Rows, r: AsksR | None = None) -> "RowsSource":
        """The table of `rows`, whole in memory; `r` makes those that R makes.

        Raises:
            RowsUnreadable: If it cannot be read, or a key is missing or not unique.
            EngineError: R had to be asked and could not.
        """
        table = rows.source.read(r)
        if rows.key not in table.column_names:
            raise no_key_column(rows, table.column_names)
        keys = _keys(rows, table.column(rows.key))
        return cls(rows, keys, _digests(table), table)

    def __len__(self) -> int:
        return len(self.keys)

    def batches(self, positions: Sequence[int] | None = None) -> Iterator[RowBatch]:
        """The rows at these positions (all of them if None), `batch` at a time."""
        wanted: Sequence[int] = range(len(self)) if positions is None else positions
        for start in range(0, len(wanted), self.rows.batch):
            yield self._batch(wanted[start : start + self.rows.batch])

    def row(self, key: RowKey) -> RowBatch | None:
        """The one row with that key as a batch, or None."""
        column = self._table.column(self.rows.key)
        if not len(self) or isinstance(key, str) != pa.types.is_string(column.type):
            return None
        position = pc.index(column, pa.scalar(key, column.type)).as_py()
        return self._batch([position]) if position >= 0 else None

    def parse_key(self, text: str) -> RowKey:
        """The key that `text` of a query means: a number where the keys are numbers."""
        numbers = pa.types.is_integer(self._table.column(self.rows.key).type)
        return int(text) if numbers and _WHOLE.fullmatch(text) else text

    def _batch(self, positions: Sequence[int]) -> RowBatch:
        taken = self._table.take(pa.array(positions, pa.int64()))
        keys = [self.keys[position] for position in positions]
        digests = array("q", (self.digests[position] for position in positions))
        return RowBatch(keys, digests, to_frame(taken))


def check_key_column(rows: Rows, r: AsksR | None = None) -> None:
    """Looks at the names of the columns alone.

    Raises:
        RowsUnreadable: If the source cannot be read, or lacks the key column.
    """
    names = rows.source.columns(r)
    if rows.key not in names:
        raise no_key_column(rows, names)


def check_keys(rows: Rows) -> None:
    """Looks at the keys of all rows.

    Raises:
        RowsUnreadable: If the source cannot be read, or a key is missing or not unique.
    """
    check_key_column(rows)
    _keys(rows, rows.source.read().column(rows.key))


def no_key_column(rows: Rows, names: Sequence[str]) -> RowsUnreadable:
    """The error of a table without the key column."""
    hint = did_you_mean(rows.key, names, otherwise=f"its columns: {', '.join(names[:12])}")
    separators = [mark for mark in (";", "\t", "|") if len(names) == 1 and mark in names[0]]
    if separators:
        hint = f"the columns seem to be separated by {separators[0]!r}; write commas"
    reason = f"has no column '{rows.key}'"
    if not names:
        reason, hint = "is empty", "its first line has the names of the columns"
    return RowsUnreadable(rows.source.name, reason, hint, about="key")


def _keys(rows: Rows, column: pa.ChunkedArray) -> list[RowKey]:
    name = rows.source.name
    if not len(column):
        return []
    missing = pc.is_null(column)
    if pa.types.is_string(column.type):
        missing = pc.or_(missing, pc.fill_null(pc.equal(column, ""), fill_value=False))
    count = pc.sum(missing).as_py()
    if count:
        first = pc.index(missing, pa.scalar(value=True)).as_py() + 1
        rows_without = "a row" if count == 1 else f"{count} rows"
        reason = f"has {rows_without} without {rows.key}; the first is row {first}"
        raise RowsUnreadable(name, reason, "every row needs its key", about="key")
    if not (pa.types.is_integer(column.type) or pa.types.is_string(column.type)):
        hint = "a key is a whole number or a text"
        raise RowsUnreadable(name, f"the column {rows.key} holds {column.type}", hint, about="key")
    keys: list[RowKey] = column.to_pylist()
    if pc.count_distinct(column).as_py() < len(keys):
        raise _repeated(rows, keys)
    return keys


def _repeated(rows: Rows, keys: Sequence[RowKey]) -> RowsUnreadable:
    seen: dict[RowKey, int] = {}
    repeated = [
        (key, seen[key], number)
        for number, key in enumerate(keys, 1)
        if seen.setdefault(key, number) != number
    ]
    key, first, second = repeated[0]
    more = f", and {len(repeated) - 1} more" if len(repeated) > 1 else ""
    reason = f"has {rows.key} {key} twice, in row {first} and row {second}{more}"
    return RowsUnreadable(rows.source.name, reason, "every key must be unique", about="key")


def _digests(table: pa.Table) -> Sequence[int]:
    """One digest per row. Types are left out: 1 and 1.0 read the same, so they digest the same."""
    columns = [pc.cast(column, pa.string()) for column in table.columns]
    joined = pc.binary_join_element_wise(
        *columns, "\x1f", null_handling="replace", null_replacement="\x00"
    )
    names = blake2b("\x1f".join(table.column_names).encode(), digest_size=16).digest()
    digests = (
        blake2b(text.encode(), digest_size=8, key=names).digest() for text in joined.to_pylist()
    )
    return array("q", b"".join(digests))
