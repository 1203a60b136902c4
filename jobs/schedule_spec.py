"""ScheduleSpec: when a job runs, as its definition says it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cronsim import CronSim, CronSimError

from jobs.cron_line import read_cron_line
from jobs.duration import format_duration, parse_duration
from jobs.errors import ValueInvalid
from jobs.nearest import nearest

ScheduleKind = Literal["cron", "every", "at_start", "manual", "after"]

_EVERY = re.compile(r"every:?\s+(?P<every>.+?)(?:\s+at\s+(?P<at>\S+))?", re.IGNORECASE)
_AT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_EXAMPLE = 'for example: "0 5 * * MON-FRI", every 15 minutes, at_start, manual'


@dataclass(frozen=True)
class ScheduleSpec:
    """One rule giving the times at which a job runs.

    Attributes:
        kind: Which sort of rule.
        text: The rule in its one canonical form ("0 5 * * MON-FRI", "every 1 day at 02:30").
        timezone: IANA name of the zone whose clock the rule reads.
        every_s: Seconds between two fires of an `every` rule.
        at: Time of day ("02:30") from which an `every` rule counts, or None.
    """

    kind: ScheduleKind
    text: str
    timezone: str = "UTC"
    every_s: float | None = None
    at: str | None = None


def parse_schedule(text: str, timezone: str = "UTC") -> ScheduleSpec:
    """The rule that a schedule written as one text means.

    Raises:
        ValueInvalid: If it means none; the hint shows how to write it.
    """
    words = " ".join(text.split())
    if words in ("manual", "at_start"):
        return ScheduleSpec("manual" if words == "manual" else "at_start", words, timezone)
    if words.lower() == "@reboot":
        return ScheduleSpec("at_start", "at_start", timezone)
    if every := _EVERY.fullmatch(words):
        return every_schedule(parse_duration(every["every"]), every["at"], timezone)
    if words.startswith("@") or " " in words:
        return cron_schedule(words, timezone)
    guess = nearest(words, ("manual", "at_start", "every"))
    raise ValueInvalid(
        f"'{text}' is no schedule", f"did you mean '{guess}'?" if guess else _EXAMPLE
    )


def every_schedule(every_s: float, at: str | None, timezone: str) -> ScheduleSpec:
    """The rule "every so often", counted from `at` o'clock where that is given."""
    if every_s < 1:
        raise ValueInvalid("'every' must be at least 1 second", "for example: every: 15 minutes")
    time_of_day = parse_time_of_day(at) if at is not None else None
    text = f"every {format_duration(every_s)}" + (f" at {time_of_day}" if time_of_day else "")
    return ScheduleSpec("every", text, timezone, every_s, time_of_day)


def parse_time_of_day(text: str) -> str:
    """The time of day as HH:MM.

    Raises:
        ValueInvalid: If `text` is none.
    """
    found = _AT.fullmatch(text.strip())
    if found is None:
        raise ValueInvalid(f"'{text}' is no time of day", 'for example: "02:30", "14:00"')
    return f"{int(found[1]):02}:{found[2]}"


def cron_schedule(text: str, timezone: str) -> ScheduleSpec:
    """The rule that a line of cron means; the macros (@daily) are written out.

    Raises:
        ValueInvalid: If cron would not take it or it would never fire.
    """
    expression = read_cron_line(text)
    try:
        next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise ValueInvalid(f"'{text}' never fires", "check day and month") from None
    return ScheduleSpec("cron", expression, timezone)
