"""The columns that R wrote (engine/r/columns.R) as Arrow arrays, over the same bytes.

Types are those that R's own package arrow gives: NA is null, NaN stays NaN, factors are
dictionaries, times have a zone. Durations keep their microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.frame import NA_INTEGER, padding

NA_LOW_WORD = 1954
"""The lower 32 bits that make a NaN R's NA."""
NA_INTEGER64 = -(2**63)
LARGEST_STRINGS = 2**31 - 1
"""Bytes that a column of Arrow's ordinary strings holds."""

Description = Mapping[str, Any]


def arrow_table(content: pa.Buffer, described: Sequence[Description]) -> pa.Table:
    """Returns the data frame whose buffers `content` holds.

    What they hold is checked: R code may have written them itself, to have more read than is there.

    Raises:
        ValueError: a value has no place in its column's type, or the buffers are not what they
            are said to be.
    """
    source = Buffers(content)
    names = [item["name"] for item in described]
    table = pa.Table.from_arrays([_column(item, source) for item in described], names=names)
    table.validate(full=True)
    return table


class Buffers:
    """The buffers of a file, one after the other."""

    def __init__(self, content: pa.Buffer) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> pa.Buffer:
        """Returns the next `size` bytes, not copied, and goes on behind their padding."""
        start = self._at
        if not 0 <= size <= self._content.size - start:
            raise pa.ArrowInvalid("there are fewer bytes than its columns need")
        self._at += size + padding(size)
        return self._content.slice(start, size)

    def numbers(self, kind: pa.DataType, rows: int) -> pa.Array:
        """Returns the next column of fixed width, as it stands in R."""
        return pa.Array.from_buffers(kind, rows, [None, self.take(rows * kind.bit_width // 8)])


def _column(item: Description, source: Buffers) -> pa.Array:
    return _READERS[item["kind"]](item, source)


def _integer(item: Description, source: Buffers) -> pa.Array:
    return _without(source.numbers(pa.int32(), item["rows"]), NA_INTEGER)


def _without(values: pa.Array, missing: int) -> pa.Array:
    """Returns the values with null for R's NA."""
    is_missing = pc.equal(values, pa.scalar(missing, values.type))
    return _null_where(is_missing, values)


def _null_where(condition: pa.Array, values: pa.Array) -> pa.Array:
    if not pc.any(condition).as_py():
        return values
    return pc.if_else(condition, pa.scalar(None, values.type), values)


def _double(item: Description, source: Buffers) -> pa.Array:
    values = source.numbers(pa.float64(), item["rows"])
    not_numbers = pc.is_nan(values)
    if not pc.any(not_numbers).as_py():
        return values
    words = pc.bit_wise_and(values.view(pa.int64()), pa.scalar(0xFFFFFFFF, pa.int64()))
    return _null_where(pc.and_(not_numbers, pc.equal(words, NA_LOW_WORD)), values)


def _logical(item: Description, source: Buffers) -> pa.Array:
    return pc.not_equal(_integer(item, source), 0)


def _integer64(item: Description, source: Buffers) -> pa.Array:
    return _without(source.numbers(pa.int64(), item["rows"]), NA_INTEGER64)


def _raw(item: Description, source: Buffers) -> pa.Array:
    return source.numbers(pa.uint8(), item["rows"])


def _string(item: Description, source: Buffers) -> pa.Array:
    rows = item["rows"]
    validity, offsets = _offsets(_integer(item, source))
    size = offsets[-1].as_py()
    kind = pa.string() if size <= LARGEST_STRINGS else pa.large_string()
    if kind == pa.string():
        offsets = offsets.cast(pa.int32())
    text = source.take(size)
    return pa.Array.from_buffers(kind, rows, [validity, offsets.buffers()[1], text])


def _offsets(sizes: pa.Array) -> tuple[pa.Buffer | None, pa.Array]:
    """Returns which rows are there, as a bitmap, and where each begins, as 64-bit integers."""
    validity = pc.is_valid(sizes).buffers()[1] if sizes.null_count else None
    ends = pc.cumulative_sum(pc.fill_null(sizes, 0).cast(pa.int64()))
    return validity, pa.concat_arrays([pa.array([0], pa.int64()), ends])


def _list(item: Description, source: Buffers) -> pa.Array:
    validity, offsets = _offsets(_integer(item, source))
    child = _column(item["child"], source)
    starts = offsets.cast(pa.int32()).buffers()[1]
    return pa.Array.from_buffers(
        pa.list_(child.type), item["rows"], [validity, starts], children=[child]
    )


def _struct(item: Description, source: Buffers) -> pa.Array:
    children = [_column(column, source) for column in item["columns"]]
    names = [column["name"] for column in item["columns"]]
    return pa.StructArray.from_arrays(children, names=names)


def _factor(item: Description, source: Buffers) -> pa.Array:
    codes = pc.subtract(_integer(item, source), 1)
    levels = _column(item["levels"], source)
    kind = pa.int8() if len(levels) <= 2**7 else pa.int16() if len(levels) <= 2**15 else pa.int32()
    return pa.DictionaryArray.from_arrays(codes.cast(kind), levels, ordered=item["ordered"])


def _date(item: Description, source: Buffers) -> pa.Array:
    return pc.floor(_finite(item, source)).cast(pa.int32()).view(pa.date32())


def _time(item: Description, source: Buffers) -> pa.Array:
    return _microseconds(_finite(item, source)).view(pa.timestamp("us", item["zone"]))


def _duration(item: Description, source: Buffers) -> pa.Array:
    seconds = pc.multiply(_finite(item, source), float(item["seconds"]))
    return _microseconds(seconds).view(pa.duration("us"))


def _microseconds(seconds: pa.Array) -> pa.Array:
    return pc.round(pc.multiply(seconds, 1e6)).cast(pa.int64())


def _finite(item: Description, source: Buffers) -> pa.Array:
    """Returns a date's or time's numbers, whichever way R holds them; what is none is null."""
    if item["storage"] == "integer":
        return _integer(item, source).cast(pa.float64())
    values = source.numbers(pa.float64(), item["rows"])
    return _null_where(pc.invert(pc.is_finite(values)), values)


_READERS: dict[str, Callable[[Description, Buffers], pa.Array]] = {
    "logical": _logical,
    "integer": _integer,
    "double": _double,
    "string": _string,
    "factor": _factor,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "integer64": _integer64,
    "raw": _raw,
    "list": _list,
    "struct": _struct,
}
