"""Values as people would write them in YAML, for messages."""

import json
import math
import re
from typing import Any

from jobs.yaml_scalar import plain_scalar

_LONGEST = 60
_PLAIN = re.compile(r"[A-Za-z0-9](?:[^\n:#,\[\]{}\"']|:(?! ))*")


def shown(value: object) -> str:
    """The value on one line, cut when it is long."""
    text = _flow(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def as_yaml(value: object) -> str:
    """The value as it would stand in a job file, on one line."""
    if isinstance(value, str):
        needs_no_quotes = _PLAIN.fullmatch(value) and isinstance(plain_scalar(value), str)
        return value if needs_no_quotes else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_yaml(item) for item in value) + "]"
    return _flow(value)


def shown_number(number: float) -> str:
    """The number without a needless fraction: 70 for 70.0."""
    if isinstance(number, float) and math.isfinite(number) and number == int(number):
        return str(int(number)) if abs(number) < 1e15 else repr(number)
    return repr(number)


def described(value: object) -> str:
    """What kind of thing the value is, with the value itself where it is short."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return f"the mapping {shown(value)}"
    if isinstance(value, list):
        return f"the list {shown(value)}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"the number {shown(value)}" if number else shown(value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return shown_number(value)
    return f"'{value}'" if isinstance(value, str) else str(value)
