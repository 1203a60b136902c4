"""Exact JSON of the R values that most cells give, read from R's memory without a call of R.

Of a data frame, a list or a vector with no more attributes than its names. What has others is left
to `engine.convert`, which gives the same and takes ten times as long.
"""

from __future__ import annotations

import math
from typing import Any, Final

import orjson
from rpy2.rinterface_lib import openrlib

from engine.convert import Plain
from engine.frame import NA_INTEGER

_NILSXP, _LISTSXP, _LGLSXP, _INTSXP, _REALSXP, _STRSXP, _VECSXP = 0, 2, 10, 13, 14, 16, 19
_lib, _ffi = openrlib.rlib, openrlib.ffi
_NAMES: Final = "names"
_FRAME_ATTRIBUTES: Final = {"names", "class", "row.names"}


class NotQuick(Exception):
    """The value is none of those that are read here."""


def quick_json(value: Any) -> bytes:
    """Returns what `exact_json` does, for the R object behind a pointer.

    Raises:
        NotQuick: it is of another kind.
    """
    return orjson.dumps(_plain(value))


def _plain(value: Any) -> Plain:
    kind = value.sxpinfo.type
    if kind == _NILSXP:
        return None
    attributes = _attributes(value)
    if kind == _VECSXP:
        return _list(value, attributes)
    items = _items(value, kind)
    if not attributes:
        return items[0] if len(items) == 1 else items
    if attributes.keys() != {_NAMES}:
        raise NotQuick
    return dict(zip(_names(attributes), items, strict=True))


def _list(value: Any, attributes: dict[str, Any]) -> Plain:
    size = _lib.Rf_xlength(value)
    if not attributes:
        return [_plain(_lib.VECTOR_ELT(value, i)) for i in range(size)]
    names = _names(attributes) if _NAMES in attributes else []
    if attributes.keys() == {_NAMES}:
        return {names[i]: _plain(_lib.VECTOR_ELT(value, i)) for i in range(size)}
    if attributes.keys() != _FRAME_ATTRIBUTES or _is_other(attributes):
        raise NotQuick
    columns = [_column(_lib.VECTOR_ELT(value, i)) for i in range(size)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _names(attributes: dict[str, Any]) -> list[Plain]:
    names = _items(attributes[_NAMES], _STRSXP)
    if None in names:
        raise NotQuick
    return names


def _is_other(attributes: dict[str, Any]) -> bool:
    """Whether a frame is more than that, such as a tibble, or its rows have names."""
    rows, classes = attributes["row.names"], attributes["class"]
    if rows.sxpinfo.type != _INTSXP or classes.sxpinfo.type != _STRSXP:
        return True
    return _items(classes, _STRSXP) != ["data.frame"]


def _column(value: Any) -> list[Plain]:
    if _attributes(value):
        raise NotQuick
    return _items(value, value.sxpinfo.type)


def _attributes(value: Any) -> dict[str, Any]:
    """Returns the attributes by name; R keeps them as a linked list."""
    node = _lib.ATTRIB(value)
    found: dict[str, Any] = {}
    while node.sxpinfo.type == _LISTSXP:
        name = _ffi.string(_lib.R_CHAR(_lib.PRINTNAME(_lib.TAG(node)))).decode()
        found[name] = _lib.CAR(node)
        node = _lib.CDR(node)
    return found


def _items(value: Any, kind: int) -> list[Plain]:
    size = _lib.Rf_xlength(value)
    if kind == _REALSXP:
        numbers = _ffi.unpack(_lib.REAL(value), size)
        return [number if math.isfinite(number) else None for number in numbers]
    if kind == _STRSXP:
        return [_text(_lib.STRING_ELT(value, i)) for i in range(size)]
    if kind == _INTSXP:
        integers = _ffi.unpack(_lib.INTEGER(value), size)
        return [None if number == NA_INTEGER else number for number in integers]
    if kind == _LGLSXP:
        truths = _ffi.unpack(_lib.LOGICAL(value), size)
        return [None if truth == NA_INTEGER else bool(truth) for truth in truths]
    raise NotQuick


def _text(text: Any) -> str | None:
    if text == _lib.R_NaString:
        return None
    content: bytes = _ffi.string(_lib.R_CHAR(text))
    if not content.isascii():  # in an encoding that R knows
        raise NotQuick
    return content.decode()
