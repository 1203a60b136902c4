"""Arrow tables as the engine's frames; numbers are copied as whole columns of bytes."""

from array import array
from collections.abc import Collection
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from engine.frame import NA_INTEGER, Column, Frame


def to_frame(table: pa.Table, wide: Collection[str] = ()) -> Frame:
    """The table's columns in R's four kinds.

    Those that are `wide` have whole numbers, here or in another part of the table, that R holds as
    doubles.
    """
    return Frame({name: _column(table.column(name), name in wide) for name in table.column_names})


def _column(column: pa.ChunkedArray, is_wide: bool) -> Column:  # noqa: FBT001 - told by the caller
    kind = column.type
    if pa.types.is_string(kind):
        return Column("string", column.to_pylist())
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return Column("logical", _numbers("i", column.cast(pa.int32()), NA_INTEGER))
    if pa.types.is_integer(kind) and not is_wide:
        return Column("integer", _numbers("i", column.cast(pa.int32()), NA_INTEGER))
    return Column("double", _numbers("d", column.cast(pa.float64()), float("nan")))


def _numbers(code: Literal["d", "i"], column: pa.ChunkedArray, missing: float) -> "array[float]":
    whole = pc.fill_null(column, pa.scalar(missing, column.type)).combine_chunks()
    numbers: array[float] = array(code)
    if len(whole):
        start, size = whole.offset * numbers.itemsize, len(whole) * numbers.itemsize
        numbers.frombytes(memoryview(whole.buffers()[1])[start : start + size])
    return numbers
