"""Argument values on their way to R, and as plain JSON for people and provenance.

Numbers go as doubles, as R reads them in source: 70 and 70L share a key, and of the two only the
double cannot overflow.
"""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from cache.keys import Code, Missing, Secret, SessionObject, Upload, Value
from engine.call import Argument
from jobs.errors import ValueInvalid
from jobs.secret import text_in


def engine_arguments(values: Mapping[str, Value]) -> tuple[Argument, ...]:
    """The values as the engine takes them; an upload has to lie in the call's folder.

    Raises:
        ValueInvalid: A value has no form in which R could be given it.
        SecretMissing: The variable of a secret is not set.
    """
    return tuple(_argument(name, value) for name, value in values.items())


def plain_values(values: Mapping[str, Value]) -> dict[str, Any]:
    """The values as plain JSON: R source is `{"r": "..."}`, a file `{"file": "..."}`.

    Of a secret that is the name of its variable: `{"env": "..."}`.
    """
    return {name: _plain(value) for name, value in values.items()}


def _argument(name: str, value: Value) -> Argument:
    match value:
        case str():
            return Argument(name, "text", value)
        case Code():
            return Argument(name, "code", value.text)
        case Missing():
            return Argument(name, "code", "NA")
        case Secret():
            return Argument(name, "secret", text_in(value.variable))
        case Upload():
            return Argument(name, "file", value.name)
        case SessionObject():
            whole = value.name == ".val"
            text = value.session_key if whole else f"{value.session_key}::{value.name}"
            return Argument(name, "code", text)
        case float() | int() if not _is_finite(value):
            return Argument(name, "code", _not_finite(value))
    try:
        return Argument(name, "json", _dumped(value))
    except TypeError as error:
        raise ValueInvalid(f"{name} cannot be given to R: {error}") from error


def _dumped(value: Value) -> str:
    if type(value) is int or type(value) is float:  # most are, and cells have thousands
        return orjson.dumps(float(value)).decode()
    return orjson.dumps(_doubles(value), option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def _doubles(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    if isinstance(value, dict):
        return {key: _doubles(item) for key, item in value.items()}
    return value


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _not_finite(number: float) -> str:
    if isinstance(number, float) and math.isnan(number):
        return "NaN"
    return "Inf" if number > 0 else "-Inf"


def _plain(value: Value) -> Any:
    match value:
        case Code():
            return {"r": value.text}
        case Missing():
            return {"r": "NA"}
        case Secret():
            return {"env": value.variable}
        case Upload():
            return {"file": value.name}
        case SessionObject():
            return {"session": value.session_key, "name": value.name}
        case float() | int() if not _is_finite(value):
            return {"r": _not_finite(value)}
    return value
