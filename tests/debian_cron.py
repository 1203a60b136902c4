"""Cron once more, written from Debian's crontab(5) and cron(8), to judge our own by.

It shares nothing with `scheduler/` but the zones of the standard library: it looks at every minute
there is, as the daemon does, and asks each line whether it is to be run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class Minute:
    """A minute that passes, and what the clock on the wall shows then."""

    at: datetime
    wall: datetime


def minutes(zone: str, start: datetime, end: datetime) -> Iterator[Minute]:
    """Every minute of [start, end), in the order in which they pass."""
    here = ZoneInfo(zone)
    for count in range(int(start.timestamp()), int(end.timestamp()), 60):
        local = datetime.fromtimestamp(count, here)
        yield Minute(datetime.fromtimestamp(count, UTC), local.replace(tzinfo=None, fold=0))


class CronLine:
    """A line of a crontab.

    Attributes:
        wildcard: "specified as @hourly, or with '*' in the hour or minute specifier": such a line
            runs by the new time after a change of the clock.
    """

    def __init__(self, text: str) -> None:
        fields = NICKNAMES.get(text, text).lower().split()
        minute, hour, day, month, weekday = fields
        self._minutes = _values(minute, 0, 59)
        self._hours = _values(hour, 0, 23)
        self._days = _values(day, 1, 31)
        self._months = _values(month, 1, 12, {name: k for k, name in enumerate(MONTHS, start=1)})
        numbered = _values(weekday, 0, 7, {name: k for k, name in enumerate(DAYS)})
        self._weekdays = {number % 7 for number in numbered}
        # "If both fields are restricted (ie, aren't *)": cron looks at the first character.
        self._either = not (day.startswith("*") or weekday.startswith("*"))
        self.wildcard = minute.startswith("*") or hour.startswith("*")

    def matches(self, wall: datetime) -> bool:
        """Whether the time fields match what the clock shows."""
        if wall.minute not in self._minutes or wall.hour not in self._hours:
            return False
        if wall.month not in self._months:
            return False
        by_date = wall.day in self._days
        by_weekday = wall.isoweekday() % 7 in self._weekdays
        return (by_date or by_weekday) if self._either else (by_date and by_weekday)


def fires(lines: Iterable[CronLine], passing: Iterable[Minute]) -> list[list[datetime]]:
    """When each line is run while those minutes pass.

    Lines without wildcards run when a time is reached: what a clock put forward leapt over is
    made up for in the minute after, and what a clock put back shows again is not run again.
    """
    lines = list(lines)
    found: list[list[datetime]] = [[] for _ in lines]
    reached: datetime | None = None
    for minute in passing:
        wall = minute.wall
        if reached is None:
            reached = wall - MINUTE
        as_ever = wall - reached == MINUTE
        new = [] if as_ever else _leapt(reached, wall)
        for line, times in zip(lines, found, strict=True):
            seen = as_ever or line.wildcard
            if line.matches(wall) if seen else any(map(line.matches, new)):
                times.append(minute.at)
        reached = max(reached, wall)
    return found


def _leapt(reached: datetime, wall: datetime) -> list[datetime]:
    return [reached + count * MINUTE for count in range(1, (wall - reached) // MINUTE + 1)]


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            ends = [(names or {}).get(end) for end in span.split("-")]
            known = [
                int(end) if value is None else value
                for end, value in zip(span.split("-"), ends, strict=True)
            ]
            first, last = known[0], known[-1]
        values.update(range(first, last + 1, int(step or 1)))
    return values
