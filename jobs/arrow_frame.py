"""Arrow tables as the engine's frames; numbers are copied as whole columns of bytes."""

from array import array
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from engine.frame import NA_INTEGER, Column, Frame


def to_frame(table: pa.Table) -> Frame:
    """The table's columns in R's four kinds; R holds larger whole numbers as doubles."""
    return Frame({name: _column(table.column(name)) for name in table.column_names})


def _column(column: pa.ChunkedArray) -> Column:
    kind = column.type
    if pa.types.is_string(kind):
        return Column("string", column.to_pylist())
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return Column("logical", _numbers("i", column.cast(pa.int32()), NA_INTEGER))
    if pa.types.is_integer(kind) and _fits_integer(column):
        return Column("integer", _numbers("i", column.cast(pa.int32()), NA_INTEGER))
    return Column("double", _numbers("d", column.cast(pa.float64()), float("nan")))


def _fits_integer(column: pa.ChunkedArray) -> bool:
    """Whether R's integers hold them all; the smallest 32-bit number is R's NA."""
    ends = pc.min_max(column).as_py()
    return int(max(abs(ends["min"] or 0), abs(ends["max"] or 0))) < -NA_INTEGER


def _numbers(code: Literal["d", "i"], column: pa.ChunkedArray, missing: float) -> "array[float]":
    whole = pc.fill_null(column, pa.scalar(missing, column.type)).combine_chunks()
    numbers: array[float] = array(code)
    if len(whole):
        start, size = whole.offset * numbers.itemsize, len(whole) * numbers.itemsize
        numbers.frombytes(memoryview(whole.buffers()[1])[start : start + size])
    return numbers
