"""Rates in words: "100/minute", "10/second", "3600/day"."""

import re
from dataclasses import dataclass
from functools import lru_cache

from jobs.duration import format_duration, parse_duration
from jobs.errors import ValueInvalid
from jobs.nearest import nearest

_RATE = re.compile(r"\s*([0-9]{1,9})\s*(?:/|\bper\b)\s*([0-9.]*)\s*([A-Za-z].*?)\s*")
_EXAMPLE = "for example: 10/second, 100/minute, 5000/day"
_UNITS = ("second", "minute", "hour", "day")
_LONGEST_S = 366 * 86400.0
_DAY_S = 86400.0


@dataclass(frozen=True)
class Rate:
    """So many in so long: at most `count` at once, and on average no more in the long run.

    Attributes:
        count: How many.
        per_s: In how many seconds.
    """

    count: int
    per_s: float

    @property
    def interval_s(self) -> float:
        """Seconds after which one more is allowed."""
        return self.per_s / self.count

    def __str__(self) -> str:
        """The rate in words; `parse_rate` reads it back."""
        return f"{self.count}/{format_duration(self.per_s).removeprefix('1 ')}"


@lru_cache(maxsize=1024)
def parse_rate(text: str) -> Rate:
    """The rate that `text` says.

    Raises:
        ValueInvalid: If it is none; the hint shows how rates are written.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueInvalid(f"'{text}' is no rate", _EXAMPLE)
    try:
        rate = Rate(int(found[1]), parse_duration(f"{found[2] or 1} {found[3]}"))
    except ValueInvalid:
        meant = nearest(found[3], _UNITS)
        hint = f"did you mean '{found[1]}/{meant}'?" if meant else _EXAMPLE
        raise ValueInvalid(f"'{text}' is no rate", hint) from None
    if rate.count == 0:
        raise ValueInvalid(f"'{text}' allows nothing", "revoke the key, or leave the rate out")
    if not 0 < rate.per_s <= _LONGEST_S:
        raise ValueInvalid(f"'{text}' is no rate of a second to a year", _EXAMPLE)
    return rate


def parse_r_seconds(text: str) -> float:
    """Seconds of R in a day that `text` says: "3600/day", "1 hour/day" or "1 hour".

    Raises:
        ValueInvalid: If it says none.
    """
    before, slash, unit = text.partition("/")
    if slash and parse_duration(f"1 {unit}") != _DAY_S:
        raise ValueInvalid(f"'{text}': R's time is counted by the day", "write 3600/day")
    is_plain = before.strip().replace(".", "", 1).isdecimal()
    seconds = parse_duration(f"{before} seconds" if is_plain else before)
    if seconds <= 0:
        raise ValueInvalid(f"'{text}' allows nothing", "take the role viewer: it starts no R")
    return seconds
