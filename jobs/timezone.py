"""Names of time zones."""

import zoneinfo

from jobs.errors import ValueInvalid
from jobs.nearest import did_you_mean, nearest

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
    names = zoneinfo.available_timezones()
    by_city = {known.rsplit("/", 1)[-1]: known for known in sorted(names) if "/" in known}
    city = nearest(name.replace(" ", "_"), by_city)
    hint = f"did you mean '{by_city[city]}'?" if city else did_you_mean(name, names)
    return ValueInvalid(f"'{name}' is no time zone", hint or _EXAMPLE)
