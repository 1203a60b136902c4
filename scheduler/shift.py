"""Where the times of a schedule are moved to: out of its blackouts, and by its jitter; pure.

A time in a blackout becomes the moment when the blackout ends; all that fall into one are one fire
then. Jitter comes after that, so that not every schedule fires as the window closes, and may not
lead back into a window. It is drawn from the job's name and the time, never from chance: whoever
reckons, before a restart or after it, finds the same moment.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from jobs.schedule_spec import ScheduleSpec
from scheduler.wall_clock import once

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def next_shifted(
    spec: ScheduleSpec, next_time: Callable[[datetime], datetime | None], after: datetime
) -> datetime | None:
    """Returns the first moved time later than `after`.

    Args:
        spec: Says how times are moved.
        next_time: Gives the first time later than a moment, as it is before it is moved.
        after: The moment.
    """
    if not spec.blackout and not spec.jitter_s:
        return next_time(after)
    # From the first time on that may be moved beyond `after`.
    jitter = timedelta(seconds=spec.jitter_s)
    looked = _begin_of_blackout(spec, _begin_of_blackout(spec, after) - jitter) - TICK
    best: datetime | None = None
    while True:
        time = next_time(looked)
        if time is None or (best is not None and time >= best):
            return best
        free = _end_of_blackout(spec, time)
        moved = _end_of_blackout(spec, free + _lot(spec, free))
        if moved > after and (best is None or moved < best):
            best = moved
        looked = max(time, free - TICK)


def _lot(spec: ScheduleSpec, time: datetime) -> timedelta:
    """Returns how much later than `time` the fire comes, in whole seconds."""
    if not spec.jitter_s:
        return timedelta()
    drawn = blake2b(f"{spec.jitter_of} {time.timestamp():.0f}".encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(drawn, "big") % int(spec.jitter_s))


def _end_of_blackout(spec: ScheduleSpec, moment: datetime) -> datetime:
    """Returns the end of the blackouts around `moment`, itself when there are none."""
    while ends := [end for _, end in _around(spec, moment)]:
        moment = max(ends)
    return moment


def _begin_of_blackout(spec: ScheduleSpec, moment: datetime) -> datetime:
    """Returns the begin of the blackouts around `moment`, itself when there are none."""
    inside = moment
    while begins := [begin for begin, _ in _around(spec, inside)]:
        moment = min(begins)
        inside = moment - TICK
    return moment


def _around(spec: ScheduleSpec, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yields begin and end of each window that is open at `moment`."""
    if not spec.blackout:
        return
    zone = ZoneInfo(spec.timezone)
    today = moment.astimezone(zone).date()
    for blackout in spec.blackout:
        for day in (today - DAY, today):
            window = blackout.opening_on(day)
            if window is not None:
                begin, end = (once(clock, zone) for clock in window)
                if begin <= moment < end:
                    yield begin, end
