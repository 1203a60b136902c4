"""Dates from one to another, as R's seq() of dates; pure."""

import contextlib
import itertools
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from jobs.errors import ValueInvalid
from jobs.grid import MAX_CELLS
from jobs.nearest import did_you_mean

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STEP = re.compile(r"\s*(?:([1-9][0-9]{0,4})\s+)?([A-Za-z]+?)(s?)\s*")
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_UNITS: Final = (*_DAYS, *_MONTHS)


def parse_date(text: str) -> date:
    """The day that `text` says.

    Raises:
        ValueInvalid: If it is none.
    """
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueInvalid(f"'{text}' is no date", "year, month and day: 2026-01-31")


def check_step(text: str) -> str:
    """The text, if it is a step between dates: "month", "2 weeks".

    Raises:
        ValueInvalid: If it is none.
    """
    _step(text)
    return text


def date_values(first: date, last: date, by: str) -> tuple[date, ...]:
    """The dates; a day that a month does not have is counted on into the next, as R does.

    Raises:
        ValueInvalid: If there are none, or too many.
    """
    if first > last:
        raise ValueInvalid(f"'from' ({first}) is after 'to' ({last})", "swap them")
    until = itertools.takewhile(lambda value: value <= last, _from(first, *_step(by)))
    values = tuple(itertools.islice(until, MAX_CELLS + 1))
    if len(values) > MAX_CELLS:
        raise ValueInvalid(f"there are more than {MAX_CELLS} dates", "take a longer step")
    return values


def _step(text: str) -> tuple[int, str]:
    found = _STEP.fullmatch(text)
    unit = found[2].lower() if found else ""
    if found is None or unit not in _UNITS:
        hint = did_you_mean(unit, _UNITS, otherwise="day, week, month, quarter, year, or 2 weeks")
        raise ValueInvalid(f"'{text}' is no step between dates", hint)
    return int(found[1] or 1), unit


def _from(first: date, count: int, unit: str) -> Iterator[date]:
    """Dates until the end of the calendar."""
    with contextlib.suppress(OverflowError, ValueError):
        for steps in itertools.count(0, count):
            if unit in _DAYS:
                yield first + timedelta(days=steps * _DAYS[unit])
            else:
                months = first.month - 1 + steps * _MONTHS[unit]
                begin = date(first.year + months // 12, months % 12 + 1, 1)
                yield begin + timedelta(days=first.day - 1)
