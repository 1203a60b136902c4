"""ScheduleSpec: when a job runs, as its definition says it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from cronsim import CronSim, CronSimError

from jobs.blackout import Blackout, check_leaves_time
from jobs.cron_line import MACROS, read_cron_line
from jobs.duration import format_duration, parse_duration
from jobs.errors import ValueInvalid
from jobs.nearest import nearest

ScheduleKind = Literal["cron", "every", "at_start", "manual", "after"]
Missed = Literal["once", "all", "skip"]
Overlap = Literal["skip", "queue", "cancel"]

_EVERY = re.compile(r"every:?\s+(?P<every>.+?)(?:\s+at\s+(?P<at>\S+))?", re.IGNORECASE)
_AT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_WORDS = re.compile(r"[A-Za-z]{4,} |at ", re.IGNORECASE)  # no field of cron begins so
_LONGEST_JITTER_S = 12 * 3600.0
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
        after: Jobs of which each must have succeeded anew.
        blackout: Windows in which it does not fire; what falls into one fires once, at its end.
        jitter_s: Each fire comes up to so much later, by a lot of its own.
        jitter_of: Who draws the lot, the job's name: always the same for the same time.
        missed: What is made up for of the times that passed while nobody fired.
        overlap: What happens when its time comes while the job is still being run.
    """

    kind: ScheduleKind
    text: str
    timezone: str = "UTC"
    every_s: float | None = None
    at: str | None = None
    after: tuple[str, ...] = ()
    blackout: tuple[Blackout, ...] = ()
    jitter_s: float = 0.0
    jitter_of: str = ""
    missed: Missed = "once"
    overlap: Overlap = "skip"

    @property
    def rule(self) -> str:
        """All that decides its times, in words."""
        moved = [f"jitter {format_duration(self.jitter_s)}"] if self.jitter_s else []
        moved += [f"not {blackout.text}" for blackout in self.blackout]
        return ", ".join([self.text, *moved])


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
    if words.startswith("@") or (" " in words and not _WORDS.match(words)):
        return cron_schedule(words, timezone)
    raise ValueInvalid(f"'{text}' is no schedule", _schedule_meant(words))


def _schedule_meant(words: str) -> str:
    first, _, rest = words.partition(" ")
    if first.lower() == "after" and rest:
        return f"write {{after: {rest}}}"
    guess = nearest(words.replace(" ", "_"), ("manual", "at_start", "every"))
    guess = guess or f"{nearest(f'@{words}', MACROS)}"
    return f"did you mean '{guess}'?" if guess else _EXAMPLE


def every_schedule(every_s: float, at: str | None, timezone: str) -> ScheduleSpec:
    """The rule "every so often", counted from `at` o'clock where that is given."""
    if every_s < 1:
        raise ValueInvalid("'every' must be at least 1 second", "for example: every: 15 minutes")
    time_of_day = parse_time_of_day(at) if at is not None else None
    text = f"every {format_duration(every_s)}" + (f" at {time_of_day}" if time_of_day else "")
    return ScheduleSpec("every", text, timezone, every_s, time_of_day)


def after_schedule(jobs: Iterable[str], timezone: str) -> ScheduleSpec:
    """The rule "when all these jobs have succeeded"."""
    names = tuple(dict.fromkeys(jobs))
    if not names:
        raise ValueInvalid("'after' names no job", "for example: {after: other_job}")
    return ScheduleSpec("after", f"after {', '.join(names)}", timezone, after=names)


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


def shifted_schedule(
    spec: ScheduleSpec, *, blackout: tuple[Blackout, ...], jitter_s: float, job: str
) -> ScheduleSpec:
    """The rule with its fires kept out of `blackout` and spread over `jitter_s`.

    Raises:
        ValueInvalid: If no time is left, or a fire could come after the one that follows it.
    """
    check_leaves_time(blackout)
    if not jitter_s:
        return replace(spec, blackout=blackout)
    if jitter_s < 1 or jitter_s > _LONGEST_JITTER_S:
        hint = "for example: jitter: 5 minutes"
        raise ValueInvalid("'jitter' must be from 1 second to 12 hours", hint)
    if spec.every_s is not None and jitter_s >= spec.every_s:
        hint = "for example: {every: 15 minutes, jitter: 5 minutes}"
        raise ValueInvalid("'jitter' must be shorter than 'every'", hint)
    return replace(spec, blackout=blackout, jitter_s=jitter_s, jitter_of=job)
