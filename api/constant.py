"""What a form field may say where R code in arguments is refused.

As in OpenCPU (the end of its R/parse_arg.R): constants, arithmetic of numbers, names, objects of
sessions. None of it calls a function; that a name stands for data and no function is R's to see
(read_data() in engine/r/data_argument.R), before the call is made.
"""

from __future__ import annotations

import re
from typing import Final

from cache.keys import Code, form_value

_NUMBER: Final = r"(?:0[xX][0-9a-fA-F]++|(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?)[Li]?"
_OPERATOR: Final = r"(?:[-+*/^:]|%%|%/%)"
_ARITHMETIC: Final = rf"[-+]?\s*+{_NUMBER}(?:\s*+{_OPERATOR}\s*+[-+]?{_NUMBER})*+"
_STRING: Final = r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'"""
_NAME: Final = r"(?!(?:break|next|repeat)\b)(?:[^\W\d_]|\.(?![0-9]))[\w.]*+"
_SESSION: Final = rf"x0[0-9a-f]{{13,64}}::{_NAME}"
_VALUE: Final = rf"(?:{_ARITHMETIC}|{_STRING}|-?Inf|{_SESSION}|{_NAME})"
_LABEL: Final = rf"(?:{_NAME}|{_STRING}|`[^`\\]*+`)\s*+="
_ITEM: Final = rf"\s*+(?:{_LABEL}\s*+)?(?:{_VALUE}\s*+)?"
_DATA_SET: Final = re.compile(rf"\s*+([A-Za-z][A-Za-z0-9.]*+)::{_NAME}\s*+")
_ONE = re.compile(rf"\s*+{_VALUE}\s*+", re.DOTALL)
_LIST = re.compile(rf"{_ITEM}(?:,{_ITEM})*+", re.DOTALL)


def is_constant(text: str) -> bool:
    """Whether a field is no code, JSON not counted: R tells whether it is that."""
    return type(form_value(text)) is not Code or _ONE.fullmatch(text) is not None


def are_constants(text: str) -> bool:
    """Whether each argument in the text of `...` is a constant, with or without a name."""
    return _LIST.fullmatch(text) is not None


def package_of(text: str) -> str:
    """Returns the package whose data set a field names, as `MASS::Boston`; of any other nothing."""
    found = _DATA_SET.fullmatch(text)
    return "" if found is None else found[1]
