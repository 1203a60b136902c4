"""Moments of the past as people write them: a date, or a date and a time."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from jobs.errors import ValueInvalid

_HINT: Final = "for example: 2026-10-01, 2026-10-01T12:00 or 2026-10-01T12:00:00Z"
_LOST_PLUS: Final = re.compile(r"(.*[0-9]) ([0-9]{2}:?[0-9]{2})")
_LAST = timedelta(microseconds=1)


def parse_begin(text: str, timezone: str, now: datetime) -> datetime:
    """The same as `parse_moment`, but that a date means the begin of that day.

    Raises:
        ValueInvalid: As there.
    """
    moment = parse_moment(text, timezone, now)
    if len(text.strip()) != len("2026-10-01"):
        return moment
    day = date.fromisoformat(text.strip())
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def parse_moment(text: str, timezone: str, now: datetime) -> datetime:
    """The moment that `text` says; a date means the end of that day, or now on the day itself.

    What names no zone is meant in `timezone`. In a URL a bare `+` is a space: that is understood.

    Raises:
        ValueInvalid: If it says none, or one that is still to come.
    """
    zone = ZoneInfo(timezone)
    written = text.strip()
    try:
        if len(written) == len("2026-10-01"):
            day = date.fromisoformat(written)
            following = datetime.combine(day + timedelta(days=1), time(), zone)
            moment = following.astimezone(UTC) - _LAST
            if day == now.astimezone(zone).date():
                return now
        else:
            lost = _LOST_PLUS.fullmatch(written)
            read = datetime.fromisoformat(f"{lost[1]}+{lost[2]}" if lost else written)
            moment = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueInvalid(f"'{text}' is no date and no moment", _HINT) from None
    if moment > now:
        raise ValueInvalid(f"'{text}' is still to come", "give a moment of the past")
    return moment
