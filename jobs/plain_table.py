"""Arrow tables of any types as tables of those that R has: logicals, whole numbers, doubles, texts.

As in a CSV file, dates and times are texts, and so are whole numbers that a double cannot hold.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RowsUnreadable

_EXACT = 2**53  # beyond it a double loses digits
_LARGEST_INTEGER = 2**31 - 1  # the smallest 32-bit number is R's NA


class ColumnKinds:
    """The types that the columns of a table have, found out while its parts go by.

    Args:
        name: What people call the table.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: dict[str, set[pa.DataType]] = {}
        self._ends: dict[str, int] = {}

    def plain(self, part: pa.Table) -> pa.Table:
        """The part in types that R has, as far as it tells them by itself; they are noted.

        Raises:
            RowsUnreadable: If two columns have one name, or one holds what R has no type for.
        """
        names = part.column_names
        check_unique(self._name, names)
        columns = []
        for name, column in zip(names, part.columns, strict=True):
            plain = _plain(self._name, name, column)
            self._seen.setdefault(name, set()).add(plain.type)
            if pa.types.is_integer(plain.type):
                self._ends[name] = max(self._ends.get(name, 0), _largest(plain))
            columns.append(plain)
        return pa.table(columns, names)

    def fitted(self, part: pa.Table) -> pa.Table:
        """A part that `plain` made, in the types that the parts seen by now have together."""
        columns = [
            self._fit(name, column)
            for name, column in zip(part.column_names, part.columns, strict=True)
        ]
        return pa.table(columns, part.column_names)

    def kind(self, name: str) -> pa.DataType:
        """The type that all parts of a column have together."""
        return pa.string() if self._is_beyond(name) else _common(self._seen[name])

    def is_wide(self, name: str) -> bool:
        """Whether the column has whole numbers that R's integers do not hold."""
        return self._ends.get(name, 0) > _LARGEST_INTEGER

    def _fit(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        fitted = column.cast(_common(self._seen[name]))
        return fitted.cast(pa.string()) if self._is_beyond(name) else fitted

    def _is_beyond(self, name: str) -> bool:
        return _common(self._seen[name]) == pa.int64() and self._ends.get(name, 0) > _EXACT


def check_unique(name: str, columns: Sequence[str]) -> None:
    """Raises `RowsUnreadable` if two columns have one name."""
    repeated = {column for column in columns if columns.count(column) > 1}
    if repeated:
        reason = f"has several columns called {', '.join(sorted(repeated))}"
        raise RowsUnreadable(name, reason, "column names must be unique")


def unfit(name: str, column: str, what: str) -> RowsUnreadable:
    """The error for a column that holds what R has no type for."""
    hint = "leave it out, or make it numbers or texts"
    return RowsUnreadable(name, f"column {column} holds {what}", hint)


def is_beyond_doubles(column: pa.ChunkedArray) -> bool:
    """Whether these are whole numbers of which R's doubles would lose digits."""
    return pa.types.is_integer(column.type) and _largest(column) > _EXACT


def _largest(column: pa.ChunkedArray) -> int:
    ends = pc.min_max(column).as_py()
    return int(max(abs(ends["min"] or 0), abs(ends["max"] or 0)))


def _plain(name: str, column_name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in one of R's types."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(name, column_name, column.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        whole = pa.int64() if kind.precision <= 18 else pa.string()
        return column.cast(pa.float64() if kind.scale > 0 else whole)
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.string() if kind == pa.uint64() else pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _time_text(column)
    if _is_text(kind):
        return column.cast(pa.string())
    raise unfit(name, column_name, str(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _time_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """As as.character() in R: 2026-01-31 05:00:00.5; a time with a zone is told in UTC."""
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit))
    text = pc.replace_substring_regex(column.cast(pa.string()), r"(\.[0-9]*?)0+$", r"\1")
    return pc.replace_substring_regex(text, r"\.$", "")


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    """The type that columns of all these types can have together."""
    known = kinds - {pa.null()}
    if not known:
        return pa.null()
    if len(known) == 1:
        return known.pop()
    return pa.float64() if known == {pa.int64(), pa.float64()} else pa.string()
