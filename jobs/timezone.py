"""Names of time zones."""

import re
import zoneinfo
from functools import cache

from jobs.errors import ValueInvalid
from jobs.nearest import did_you_mean, nearest

_ABBREVIATION = re.compile("[A-Z]{2,4}")
_EXAMPLE = "for example: Europe/Vienna, America/Chicago, UTC"


def parse_timezone(name: str) -> str:
    """The name, if it is one of the IANA time zone database.

    Raises:
        ValueInvalid: If it is not; the hint has the nearest name.
    """
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _unknown(name) from None
    return name


def _unknown(name: str) -> ValueInvalid:
    if _ABBREVIATION.fullmatch(name):
        hint = f"an abbreviation may mean several; {_EXAMPLE}"
        return ValueInvalid(f"'{name}' is no time zone", hint)
    names = _names()
    by_city = {known.rsplit("/", 1)[-1]: known for known in sorted(names) if "/" in known}
    city = nearest(name.replace(" ", "_"), by_city)
    hint = f"did you mean '{by_city[city]}'?" if city else did_you_mean(name, names)
    return ValueInvalid(f"'{name}' is no time zone", hint or _EXAMPLE)


@cache  # it takes the machine tens of milliseconds to find them
def _names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
