"""Numbers, moments and values as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

LONGEST = 60


def count(number: int) -> str:
    """Returns a number of things with its thousands apart: 53,940."""
    return f"{number:,}"


def percent(part: float, whole: float) -> str:
    """Returns a part of a whole; never 100 % where something is missing, nor 0 % of something."""
    if not whole:
        return "0"
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1"
    return "99" if 99 <= share < 100 else f"{share:.0f}"


def moment(then: datetime) -> str:
    """Returns a moment in UTC; the page's script turns it into the reader's own clock."""
    return f"{then.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def number(value: float) -> str:
    """Returns a number with as many digits as say something."""
    return f"{value:.6g}".replace("-", "−")  # noqa: RUF001  # as wide as a plus, unlike a hyphen


def shown(value: Any) -> str:
    """Returns a plain JSON value in one short line."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if value is None:
        return "NA"
    if isinstance(value, float):
        return number(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
