"""Durations in words: "2 minutes", "1 hour 30 minutes", "90 s"."""

import re
from decimal import Decimal

from jobs.errors import ValueInvalid
from jobs.nearest import nearest

_UNITS: dict[str, Decimal] = {
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "ms": Decimal("0.001"),
}

# Every accepted spelling; months and years are absent because their length is not fixed.
_SPELLINGS: dict[str, Decimal] = {
    **dict.fromkeys(("w", "week", "weeks"), _UNITS["day"] * 7),
    **dict.fromkeys(("d", "day", "days"), _UNITS["day"]),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _UNITS["hour"]),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _UNITS["minute"]),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), _UNITS["second"]),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), _UNITS["ms"]),
}

_CALENDAR = {"month": 30, "months": 30, "year": 365, "years": 365, "quarter": 91}

_PART = re.compile(r"\s*(?:,|and\b)?\s*(\d+(?:\.\d+)?)\s*([^\W\d_]+)", re.IGNORECASE)
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9]))?")
_EXAMPLE = "for example: 90 seconds, 15 minutes, 1 hour 30 minutes, 7 days"
_LONGEST_S = Decimal(100 * 365 * 86400)


def parse_duration(text: str) -> float:
    """Seconds that `text` says.

    Raises:
        ValueInvalid: If it is no duration; the hint names the nearest unit.
    """
    total = Decimal(0)
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        part = _PART.match(stripped, position)
        if part is None:
            raise _invalid(text, stripped)
        total += Decimal(part[1]) * _unit(text, part[1], part[2])
        position = part.end()
    if not stripped:
        raise _invalid(text, stripped)
    if total > _LONGEST_S:
        raise ValueInvalid(f"'{text}' is longer than a hundred years", _EXAMPLE)
    return float(total)


def _unit(text: str, number: str, word: str) -> Decimal:
    unit = word.lower()
    if unit in _SPELLINGS:
        return _SPELLINGS[unit]
    if unit in _CALENDAR:
        days = Decimal(number) * _CALENDAR[unit]
        raise ValueInvalid(
            f"'{text}': the length of a {unit.removesuffix('s')} is not fixed",
            f"write {days.normalize():f} days",
        )
    guess = nearest(unit, _SPELLINGS)
    meant_s = Decimal(number) * _SPELLINGS[guess] if guess else Decimal(0)
    sensible = 0 < meant_s <= _LONGEST_S
    hint = f"did you mean '{format_duration(float(meant_s))}'?" if sensible else _EXAMPLE
    raise ValueInvalid(f"'{text}': '{word}' is no unit of time", hint)


def _invalid(text: str, stripped: str) -> ValueInvalid:
    if clock := _CLOCK.fullmatch(stripped):
        first, second = int(clock[1]), int(clock[2])
        long = format_duration(3600 * first + 60 * second + int(clock[3] or 0))
        short = "" if clock[3] else f", or {format_duration(60 * first + second)}"
        return ValueInvalid(f"'{text}' is no duration", f"write {long}{short}")
    if re.fullmatch(r"\d+(\.\d+)?", stripped):
        return ValueInvalid(f"'{text}' has no unit", f"write {stripped} seconds, or another unit")
    return ValueInvalid(f"'{text}' is no duration", _EXAMPLE)


def format_duration(seconds: float) -> str:
    """The duration in words, to the millisecond; `parse_duration` reads it back."""
    rest = round(Decimal(str(seconds)), 3)
    words = []
    for unit, length in _UNITS.items():
        count, rest = divmod(rest, length)
        if count:
            plural = "" if count == 1 or unit == "ms" else "s"
            words.append(f"{count.normalize():f} {unit}{plural}")
    return " ".join(words) or "0 seconds"
