"""Plain values to R values and back, and R values to exact JSON.

Used only where R is loaded: in the forking parent and its children.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Literal

import orjson
from rpy2 import rinterface as ri
from rpy2.rinterface_lib import conversion, memorymanagement, openrlib
from rpy2.rinterface_lib.sexp import NULLType

from engine.frame import NA_INTEGER

Plain = Any


def to_r(value: Plain) -> Any:
    """Returns an R value: dict and list become lists, str, int, float, bool vectors of one."""
    if value is None:
        return ri.NULL
    if isinstance(value, bool):
        return ri.BoolSexpVector([value])
    if isinstance(value, int):
        return ri.IntSexpVector([value]) if abs(value) < 2**31 else ri.FloatSexpVector([value])
    if isinstance(value, float):
        return ri.FloatSexpVector([value])
    if isinstance(value, str):
        return ri.StrSexpVector([value])
    if isinstance(value, dict):
        vector = ri.ListSexpVector([to_r(item) for item in value.values()])
        vector.names = ri.StrSexpVector(list(value))
        return vector
    return ri.ListSexpVector([to_r(item) for item in value])


def from_r(value: Any) -> Plain:
    """Returns a plain value: named lists are dicts, raw is bytes, vectors of one are scalars."""
    if isinstance(value, NULLType):
        return None
    if isinstance(value, ri.ByteSexpVector):
        return bytes(_numbers(value, "B"))
    if isinstance(value, ri.ListSexpVector):
        items = [from_r(item) for item in value]
        names = value.names
        return items if isinstance(names, NULLType) else dict(zip(names, items, strict=True))
    if isinstance(value, ri.BoolSexpVector):
        return _one_or_all([bool(item) for item in value])
    return _one_or_all(list(value))


def _one_or_all(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


class NotJson(Exception):
    """The R value has no form in JSON."""


def exact_json(value: Any) -> bytes:
    """Returns the value as JSON with every digit it has.

    Vectors of one are scalars, missing values null, data frames arrays of row objects, matrices
    arrays of rows, names keys, factors strings, dates ISO 8601 in UTC. JSON has no infinity and no
    NaN: they are null too.

    Raises:
        NotJson: for functions, environments, language and S4 objects.
    """
    return orjson.dumps(_plain(value), option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Plain:
    if isinstance(value, NULLType):
        return None
    classes = set(value.rclass)
    if "data.frame" in classes:
        return _rows(value)
    if isinstance(value, ri.ListSexpVector):
        return _list(value)
    if not isinstance(value, ri.SexpVector) or isinstance(
        value, ri.LangSexpVector | ri.ExprSexpVector
    ):
        raise NotJson(f"a value of class {', '.join(value.rclass)} cannot be written as JSON")
    items = _items(value, classes)
    shape = _attribute(value, "dim")
    if shape is not None:
        return _array(items, list(shape))
    names = value.names
    if not isinstance(names, NULLType):
        return dict(zip(names, items, strict=True))
    return items[0] if len(items) == 1 else items


def _items(value: Any, classes: set[str]) -> list[Plain]:
    if "factor" in classes:
        levels = list(value.do_slot("levels"))
        return [None if c == NA_INTEGER else levels[c - 1] for c in _numbers(value, "i")]
    if isinstance(value, ri.StrSexpVector):
        return [None if item is ri.NA_Character else str(item) for item in value]
    if isinstance(value, ri.BoolSexpVector):
        return [None if item == NA_INTEGER else bool(item) for item in _numbers(value, "i")]
    if isinstance(value, ri.IntSexpVector):
        integers = [None if item == NA_INTEGER else item for item in _numbers(value, "i")]
        return _moments(integers, classes) if classes & {"Date", "POSIXct"} else integers
    if isinstance(value, ri.FloatSexpVector):
        numbers = [item if math.isfinite(item) else None for item in _numbers(value, "d")]
        return _moments(numbers, classes) if classes & {"Date", "POSIXct"} else numbers
    if isinstance(value, ri.ComplexSexpVector):
        return [str(item) for item in value]
    if isinstance(value, ri.ByteSexpVector):
        return list(_numbers(value, "B"))
    raise NotJson(f"a value of class {', '.join(value.rclass)} cannot be written as JSON")


def _numbers(value: Any, code: Literal["B", "i", "d"]) -> Any:
    """Returns R's own memory of a vector, flat, as items of the given array code."""
    if not len(value):
        return memoryview(b"").cast(code)
    # rpy2's own memoryview() is missing for raw vectors and nested for matrices.
    pointer = value._R_GET_PTR(value.__sexp__._cdata)  # noqa: SLF001
    size = len(value) * value._R_SIZEOF_ELT  # noqa: SLF001
    return memoryview(openrlib.ffi.buffer(pointer, size)).cast("B").cast(code)


def address(vector: Any) -> int:
    """Returns where a vector's items are in memory: R never moves them."""
    pointer = vector._R_GET_PTR(vector.__sexp__._cdata)  # noqa: SLF001
    return int(openrlib.ffi.cast("uintptr_t", pointer))


def raw_vector(size: int) -> Any:
    """Returns so many bytes for R to read; what is in them is left to chance."""
    with memorymanagement.rmemory() as memory:
        vector = openrlib.rlib.Rf_allocVector(openrlib.rlib.RAWSXP, size)
        return conversion._cdata_to_rinterface(memory.protect(vector))  # noqa: SLF001


def _moments(items: list[Any], classes: set[str]) -> list[Plain]:
    if "Date" in classes:
        epoch = dt.date(1970, 1, 1)
        days = [None if i is None else epoch + dt.timedelta(days=math.floor(i)) for i in items]
        return [None if day is None else day.isoformat() for day in days]
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    moments = [None if i is None else start + dt.timedelta(seconds=i) for i in items]
    return [None if m is None else m.isoformat().replace("+00:00", "Z") for m in moments]


def _list(value: Any) -> Plain:
    items = [_plain(item) for item in value]
    names = value.names
    if isinstance(names, NULLType):
        return items
    return dict(zip(names, items, strict=True))


def _rows(value: Any) -> list[dict[str, Plain]]:
    names = list(value.names) if not isinstance(value.names, NULLType) else []
    columns = []
    for column in value:
        plain = _plain(column)
        columns.append(plain if isinstance(plain, list) else [plain])
    row_names = _attribute(value, "row.names")
    if isinstance(row_names, ri.StrSexpVector):
        names.append("_row")
        columns.append(list(row_names))
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _array(items: list[Plain], shape: list[int]) -> Plain:
    """Nests column-major items by rows."""
    if len(shape) == 1:
        return items
    rows = shape[0]
    return [_array(items[row::rows], shape[1:]) for row in range(rows)]


def _attribute(value: Any, name: str) -> Any:
    try:
        return value.do_slot(name)
    except LookupError:
        return None
