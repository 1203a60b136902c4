"""Arrow tables of any types as tables of those that R has: logicals, whole numbers, doubles, texts.

As in a CSV file, dates and times are texts, and so are whole numbers that a double cannot hold.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RowsUnreadable

_EXACT = 2**53  # beyond it a double loses digits


def joined(name: str, pieces: Sequence[pa.Table]) -> pa.Table:
    """The pieces of one table, one under the other; a column gets a type that all of it has.

    Raises:
        RowsUnreadable: If two columns have one name, or one holds what R has no type for.
    """
    names = pieces[0].column_names
    check_unique(name, names)
    columns = {}
    for position, column_name in enumerate(names):
        parts = [_plain(name, column_name, piece.column(position)) for piece in pieces]
        kind = _common({part.type for part in parts})
        chunks = [chunk for part in parts for chunk in part.cast(kind).chunks]
        column = pa.chunked_array(chunks, kind)
        columns[column_name] = column.cast(pa.string()) if is_beyond_doubles(column) else column
    return pa.table(columns)


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
    if not pa.types.is_integer(column.type):
        return False
    ends = pc.min_max(column).as_py()
    return int(max(abs(ends["min"] or 0), abs(ends["max"] or 0))) > _EXACT


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
