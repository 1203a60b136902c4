"""Blackout: a window of the week in which a schedule does not fire."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from jobs.errors import ValueInvalid
from jobs.nearest import nearest

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPELLED = re.compile(
    r"(?P<days>[A-Z]+(?:[-,][A-Z]+)*)?\s*(?:(?P<begin>[0-9:]{1,9})-(?P<end>[0-9:]{1,9}))?",
    re.ASCII | re.IGNORECASE,
)
_AROUND_SIGN = re.compile(r"\s*([-,])\s*")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|(24):(00)")
_EXAMPLE = "for example: Sat-Sun 00:00-06:00, 22:00-06:00, Mon,Wed 12:00-13:00, Sun"
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True)
class Blackout:
    """A window that opens on some days of each week, by the clock of the schedule's zone.

    Attributes:
        text: The window in its one canonical form ("Sat-Sun 00:00-06:00").
        days: Weekdays on which it opens; Monday is 0.
        begin: Minutes from that day's midnight to its first minute.
        length: Minutes it lasts, at most a day; it may end on the day after.
    """

    text: str
    days: frozenset[int]
    begin: int
    length: int

    def opening_on(self, day: date) -> tuple[datetime, datetime] | None:
        """First clock time of the window of that day, and the first after it."""
        if day.weekday() not in self.days:
            return None
        begin = datetime.combine(day, time()) + timedelta(minutes=self.begin)
        return begin, begin + timedelta(minutes=self.length)


def parse_blackout(text: str) -> Blackout:
    """The window that `text` means: weekdays, or times of day, or both.

    Raises:
        ValueInvalid: If it means none; the hint shows how to write it.
    """
    found = _SPELLED.fullmatch(_AROUND_SIGN.sub(r"\1", text.strip()))
    if found is None or not (found["days"] or found["begin"]):
        raise ValueInvalid(f"'{text}' is no window of the week", _EXAMPLE)
    parts = [_parsed_days(part, text) for part in (found["days"] or "Mon-Sun").split(",")]
    begin = _minutes(found["begin"] or "00:00", text)
    end = _minutes(found["end"] or "24:00", text)
    if begin in (end, _DAY_MINUTES):
        raise ValueInvalid(f"'{text}' ends when it begins", _EXAMPLE)
    length = end - begin if end > begin else end - begin + _DAY_MINUTES
    named = ",".join(name for name, _ in parts)
    clock = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
    canonical = f"{named} {clock}" if found["days"] else clock
    return Blackout(canonical, frozenset(day for _, days in parts for day in days), begin, length)


def check_leaves_time(blackouts: Iterable[Blackout]) -> None:
    """Refuses windows that leave no minute of the week.

    Raises:
        ValueInvalid: If there is none.
    """
    week = 7 * _DAY_MINUTES
    covered = {minute % week for blackout in blackouts for minute in _minutes_of(blackout)}
    if len(covered) == week:
        raise ValueInvalid("the blackout leaves no time to fire", "leave part of the week free")


def _minutes_of(blackout: Blackout) -> Iterator[int]:
    for day in blackout.days:
        first = day * _DAY_MINUTES + blackout.begin
        yield from range(first, first + blackout.length)


def _parsed_days(part: str, text: str) -> tuple[str, list[int]]:
    """The days of "Sat" or "Fri-Mon", and how that is spelt."""
    names = [name.capitalize() for name in part.split("-")]
    wrong = next((name for name in names if name not in _DAYS), None)
    if wrong is not None or len(names) > 2:
        short = (wrong or "")[:3]  # of a name written out
        guess = short if short in _DAYS else nearest(wrong or "", _DAYS)
        hint = f"did you mean '{guess}'?" if guess else f"the days are {', '.join(_DAYS)}"
        raise ValueInvalid(f"'{text}': '{part}' names no days of the week", hint)
    first, last = _DAYS.index(names[0]), _DAYS.index(names[-1])
    return "-".join(names), [(first + k) % 7 for k in range((last - first) % 7 + 1)]


def _minutes(clock: str, text: str) -> int:
    found = _TIME.fullmatch(clock)
    if found is None:
        raise ValueInvalid(f"'{text}': '{clock}' is no time of day", _EXAMPLE)
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])
