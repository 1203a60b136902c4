"""A CSV file as an Arrow table whose types are those that R's read.csv() would choose."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from jobs.errors import RowsUnreadable
from jobs.plain_table import check_unique, is_beyond_doubles


def read_csv_table(path: Path, texts: Iterable[str] = ()) -> pa.Table:
    """The table: whole numbers, doubles, booleans and texts; dates stay the texts they are.

    Args:
        path: The file.
        texts: Columns that are to stay texts whatever they look like.

    Raises:
        RowsUnreadable: If the file is missing, malformed, or has two columns of one name.
    """
    as_text = dict.fromkeys(texts, pa.string())
    table = _read(path, as_text)
    check_unique(path.name, table.column_names)
    told = {field.name: pa.string() for field in table.schema if _is_text_in_r(table, field)}
    if told:
        table = _read(path, {**as_text, **told})
    columns = [_as_r(path, table.column(name), name) for name in table.column_names]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _read(path: Path, types: dict[str, pa.DataType]) -> pa.Table:
    options = arrow_csv.ConvertOptions(
        null_values=["", "NA"],
        strings_can_be_null=False,
        true_values=["TRUE", "true", "True", "T"],
        false_values=["FALSE", "false", "False", "F"],
        column_types=types,
    )
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    try:
        return arrow_csv.read_csv(path, convert_options=options, parse_options=parsing)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("CSV parse error: ")
        raise RowsUnreadable(path.name, f"is no CSV table: {reason}") from error
    except OSError as error:
        raise RowsUnreadable(path.name, f"cannot be read: {error.strerror or error}") from error


def _is_text_in_r(table: pa.Table, field: pa.Field) -> bool:
    """Dates and times are text to read.csv(); so are, here, whole numbers a double cannot hold."""
    return bool(pa.types.is_temporal(field.type)) or is_beyond_doubles(table.column(field.name))


def _as_r(path: Path, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if pa.types.is_binary(column.type):
        raise RowsUnreadable(path.name, f"column {name} is no UTF-8", "save the file in UTF-8")
    if not pa.types.is_string(column.type):
        return column
    missing = pc.equal(column, "NA")  # to read.csv() also between quotes
    return pc.if_else(missing, pa.scalar(None, pa.string()), column)
