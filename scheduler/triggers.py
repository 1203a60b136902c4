"""From a schedule to the times at which it fires; pure, every time in UTC.

**cron** means what cron means by it. Sunday is 0 and 7. Where neither the day-of-month nor the
day-of-week field begins with `*`, a day fits when either of them fits. When the clocks change,
times that name their hour and minute ("30 2 * * *") and do not exist that day fire once, right
after the gap, and those that exist twice fire the first time only; schedules that repeat by the
clock (a minute or hour field that begins with `*`) simply follow the clock. For each time that a
gap swallowed cron starts a run after it; here they are one fire, for the others would do nothing.
Changes of more than three hours, to cron a corrected clock, are not told apart: none is to come.

**every** counts from the start of 1970. Whole days are days of the schedule's zone and begin at
`at`, or at midnight; they follow the clock as cron's fixed times do. Shorter periods are counted
in elapsed time, unless `at` anchors them: then each day's count begins at `at`, by the clock for
periods above an hour ("every 6 hours at 02:30": 02:30, 08:30, 14:30, 20:30).

Blackouts and jitter then move these times: scheduler/shift.py.

`at_start`, `manual` and `after` schedules have no times of their own.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from jobs.schedule_spec import ScheduleSpec
from scheduler.errors import TriggerInvalid
from scheduler.shift import next_shifted
from scheduler.wall_clock import once, repeating

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_fire(spec: ScheduleSpec, after: datetime) -> datetime | None:
    """Returns the first time later than `after`, None when there is none (in fifty years).

    Raises:
        TriggerInvalid: the schedule's text or zone means nothing.
    """
    try:
        zone = ZoneInfo(spec.timezone)
        if spec.kind == "cron":
            return next_shifted(spec, lambda moment: _next_cron(spec.text, zone, moment), after)
        if spec.kind == "every":
            return next_shifted(spec, lambda moment: _next_every(spec, zone, moment), after)
    except (CronSimError, ValueError, OSError, KeyError) as error:
        raise TriggerInvalid(spec.text, spec.timezone, str(error)) from error
    return None


def next_fires(spec: ScheduleSpec, now: datetime, n: int) -> list[datetime]:
    """Returns the next `n` times after `now`, fewer when there are fewer."""
    fires: list[datetime] = []
    moment: datetime | None = now
    while len(fires) < n:
        moment = next_fire(spec, moment or now)
        if moment is None:
            break
        fires.append(moment)
    return fires


def last_fire(spec: ScheduleSpec, now: datetime, *, since: datetime) -> datetime | None:
    """Returns the last time in [since, now], None when there was none.

    cronsim's own backward search has no rule for clock changes, so this one looks forward, each
    time from the middle of what is left: months of seconds take some forty looks.
    """
    found = next_fire(spec, since - timedelta(microseconds=1))
    if found is None or found > now:
        return None
    free_from = now  # nothing fires from here to now
    while (following := next_fire(spec, found)) is not None and following <= now:
        middle = found + (free_from - found) / 2
        later = next_fire(spec, middle)
        if later is None or later > now:
            found, free_from = following, middle
        else:
            found = later
    return found


def _next_cron(text: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Returns the next instant of a cron expression.

    cronsim works on wall-clock times here and never sees the zone: given one, it answers times
    that have passed when it starts in the repeated hour, and misses some where clocks change
    by half an hour.
    """
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"cron has 5 fields, not {len(fields)}")
    repeats = fields[0].startswith("*") or fields[1].startswith("*")
    here = after.astimezone(zone)
    wall = here.replace(tzinfo=None)
    # Clock times just passed come again when the clocks go back within the next hours.
    soon = (after + 4 * HOUR).astimezone(zone)
    again = max((here.utcoffset() or timedelta()) - (soon.utcoffset() or timedelta()), timedelta())
    best: datetime | None = None
    for match in CronSim(text, wall - again if repeats else wall):
        instants = repeating(match, zone) if repeats else [once(match, zone)]
        later = [instant for instant in instants if instant > after]
        best = min([*later, *([best] if best else [])], default=None)
        if best is not None and match > wall:
            return best
    return best


def _next_every(spec: ScheduleSpec, zone: ZoneInfo, after: datetime) -> datetime:
    step = timedelta(seconds=spec.every_s or 0)
    if step < timedelta(seconds=1):
        raise ValueError("the period is shorter than a second")
    if spec.at is None and step % DAY:
        return after + step - (after - EPOCH) % step
    at = time.fromisoformat(spec.at or "00:00")
    if step >= DAY:
        times = _by_the_clock(step, at, zone, after)
    elif step > HOUR:
        times = _hours_of_days(step, at, zone, after)
    else:
        times = _parts_of_days(step, at, zone, after)
    return next(moment for moment in times if moment > after)


def _by_the_clock(step: timedelta, at: time, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yields every `step` from 1970-01-01 `at` by the zone's clock, from about `after` on."""
    anchor = datetime.combine(date(1970, 1, 1), at)
    count = (after.astimezone(zone).replace(tzinfo=None) - anchor) // step
    while True:
        yield once(anchor + count * step, zone)
        count += 1


def _hours_of_days(
    step: timedelta, at: time, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """Yields `at` and every `step` after it by the clock, each day anew."""
    per_day = -(DAY // -step)
    for begin in _days(at, zone, after):
        yield from (once(begin + k * step, zone) for k in range(per_day))


def _parts_of_days(
    step: timedelta, at: time, zone: ZoneInfo, after: datetime
) -> Iterator[datetime]:
    """Yields `at` and every `step` after it in elapsed time, each day anew."""
    for begin, end in pairwise(once(day, zone) for day in _days(at, zone, after)):
        moment = begin + max((after - begin) // step, 0) * step
        while moment < end:
            yield moment
            moment += step


def _days(at: time, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yields the clock time `at` of the day before `after`, of its day, and so on."""
    day = after.astimezone(zone).date() - DAY
    while True:
        yield datetime.combine(day, at)
        day += DAY
