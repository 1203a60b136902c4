"""A CSV file, part by part, in the types that R's read.csv() would choose for the whole.

It is read twice: once to find out the types, once for the rows. Neither keeps more than a few
megabytes in memory.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from jobs.errors import RowsUnreadable
from jobs.plain_table import ColumnKinds, check_unique, is_beyond_doubles

SMALL_BLOCK: Final = 2**17
"""Bytes read at a time. Arrow has up to 32 of them read ahead."""
LARGE_BLOCK: Final = 2**20
"""Where a row does not fit into a small one."""

Types = Mapping[str, pa.DataType]


def csv_parts(path: Path, texts: Iterable[str] = ()) -> Generator[pa.Table]:
    """The table: whole numbers, doubles, booleans and texts; dates stay the texts they are.

    The first part may be without rows, and has the columns all the same.

    Args:
        path: The file.
        texts: Columns that are to stay texts whatever they look like.

    Raises:
        RowsUnreadable: If the file is missing, malformed, or has two columns of one name.
    """
    types, block = _types(path, dict.fromkeys(texts, pa.string()))
    with _opened(path, types, block) as reader:
        yield _in_r(reader.schema.empty_table())
        for batch in reader:
            yield _in_r(pa.table(batch))


def _types(path: Path, given: Types) -> tuple[Types, int]:
    """The type of each column, that of its first block if all are; and the bytes of a block."""
    try:
        first = _of_first_block(path, given, SMALL_BLOCK)
    except RowsUnreadable:
        first = _of_first_block(path, given, LARGE_BLOCK)
    types = {name: _as_text_in_r(kind) for name, kind in first.items()}
    try:
        with _unchecked(path, types, SMALL_BLOCK) as reader:
            return _without_long_numbers(types, map(pa.table, reader)), SMALL_BLOCK
    except pa.ArrowInvalid:
        return _told_by_all(path, list(first), given), LARGE_BLOCK


def _of_first_block(path: Path, given: Types, block: int) -> Types:
    with _opened(path, given, block) as reader:
        check_unique(path.name, reader.schema.names)
        return {field.name: field.type for field in reader.schema}


def _told_by_all(path: Path, names: list[str], given: Types) -> Types:
    """As `_types`, where the first block misleads, or a row is longer: each is asked alone."""
    kinds = ColumnKinds(path.name)
    with _opened(path, dict.fromkeys(names, pa.binary()), LARGE_BLOCK) as reader:
        for batch in reader:
            kinds.plain(_by_itself(path, batch, given))
    return {name: kinds.kind(name) for name in names}


def _by_itself(path: Path, batch: pa.RecordBatch, given: Types) -> pa.Table:
    """The rows of a block in the types that they would have if they were the whole table."""
    texts = [_utf8(path, name, batch.column(name)) for name in batch.schema.names]
    written = pa.BufferOutputStream()
    arrow_csv.write_csv(
        pa.table(texts, batch.schema.names),
        written,
        arrow_csv.WriteOptions(quoting_style="all_valid"),
    )
    block = arrow_csv.read_csv(
        pa.BufferReader(written.getvalue()),
        convert_options=_conversions(given),
        parse_options=_PARSING,
    )
    fields = [field.with_type(_as_text_in_r(field.type)) for field in block.schema]
    return block.cast(pa.schema(fields))


def _utf8(path: Path, name: str, column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        hint = "save the file in UTF-8"
        raise RowsUnreadable(path.name, f"column {name} is no UTF-8", hint) from error


def _without_long_numbers(types: Types, parts: Iterable[pa.Table]) -> Types:
    """The types; whole numbers that a double cannot hold are texts."""
    whole = {name for name, kind in types.items() if pa.types.is_integer(kind)}
    long: set[str] = set()
    for part in parts:
        long.update(name for name in whole - long if is_beyond_doubles(part.column(name)))
    return {name: pa.string() if name in long else kind for name, kind in types.items()}


def _as_text_in_r(kind: pa.DataType) -> pa.DataType:
    """Dates and times are text to read.csv(); what is no UTF-8 is told as such by a text."""
    is_text = pa.types.is_temporal(kind) or pa.types.is_binary(kind)
    return pa.string() if is_text else kind


def _in_r(part: pa.Table) -> pa.Table:
    columns = map(_missing_in_r, part.columns)
    return pa.table(dict(zip(part.column_names, columns, strict=True)))


def _missing_in_r(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_string(column.type):
        return column
    missing = pc.equal(column, "NA")  # to read.csv() also between quotes
    return pc.if_else(missing, pa.scalar(None, pa.string()), column)


_PARSING = arrow_csv.ParseOptions(newlines_in_values=True)


def _conversions(types: Types) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(
        null_values=["", "NA"],
        strings_can_be_null=False,
        true_values=["TRUE", "true", "True", "T"],
        false_values=["FALSE", "false", "False", "F"],
        column_types=types,
    )


@contextmanager
def _opened(path: Path, types: Types, block: int) -> Iterator[arrow_csv.CSVStreamingReader]:
    try:
        with _unchecked(path, types, block) as reader:
            yield reader
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("CSV parse error: ")
        raise RowsUnreadable(path.name, f"is no CSV table: {reason}") from error
    except OSError as error:
        raise RowsUnreadable(path.name, f"cannot be read: {error.strerror or error}") from error


def _unchecked(path: Path, types: Types, block: int) -> arrow_csv.CSVStreamingReader:
    reading = arrow_csv.ReadOptions(use_threads=False, block_size=block)
    return arrow_csv.open_csv(path, reading, _PARSING, _conversions(types))
