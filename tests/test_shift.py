"""Blackouts and jitter: where a schedule's times are moved to."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.blackout import parse_blackout
from jobs.errors import ValueInvalid
from jobs.schedule_spec import ScheduleSpec, parse_schedule, shifted_schedule
from scheduler.shift import next_shifted
from scheduler.triggers import last_fire, next_fire, next_fires

CHICAGO = "America/Chicago"  # 2026: 8 March 02:00 -> 03:00, 1 November 02:00 -> 01:00
MINUTE = timedelta(minutes=1)


def spec(
    text: str, *blackouts: str, jitter_s: float = 0, zone: str = "UTC", job: str = "gain"
) -> ScheduleSpec:
    windows = tuple(map(parse_blackout, blackouts))
    return shifted_schedule(
        parse_schedule(text, zone), blackout=windows, jitter_s=jitter_s, job=job
    )


def local(spec: ScheduleSpec, start: str, n: int) -> list[str]:
    """The next n fires after a local time, as the schedule's own clock shows them."""
    zone = ZoneInfo(spec.timezone)
    fires = next_fires(spec, datetime.fromisoformat(start).replace(tzinfo=zone), n)
    return [f"{fire.astimezone(zone):%a %d %H:%M}" for fire in fires]


# Blackouts


def test_fires_in_a_blackout_happen_once_at_its_end() -> None:
    hourly = spec("0 * * * *", "Sat-Sun 00:00-06:00")
    assert local(hourly, "2026-11-27T22:30", 3) == ["Fri 27 23:00", "Sat 28 06:00", "Sat 28 07:00"]


def test_blackout_in_which_nothing_was_to_happen_adds_no_fire() -> None:
    assert local(spec("0 5 * * *", "12:00-13:00"), "2026-11-23", 2) == [
        "Mon 23 05:00",
        "Tue 24 05:00",
    ]


def test_fire_at_the_end_of_a_blackout_is_outside_and_one_at_its_begin_is_inside() -> None:
    assert local(spec("0 5,6 * * *", "05:00-06:00"), "2026-11-23", 2) == [
        "Mon 23 06:00",
        "Tue 24 06:00",
    ]


def test_blackout_may_end_on_the_day_after() -> None:
    nightly = spec("30 23,3 * * *", "Fri 22:00-06:00")
    assert local(nightly, "2026-11-26T12:00", 4) == [
        "Thu 26 23:30",
        "Fri 27 03:30",
        "Sat 28 06:00",
        "Sat 28 23:30",
    ]


def test_days_alone_are_whole_days_and_windows_that_touch_are_one() -> None:
    assert local(spec("0 12 * * *", "Sat,Sun", "Mon 00:00-08:00"), "2026-11-27", 3) == [
        "Fri 27 12:00",
        "Mon 30 08:00",
        "Mon 30 12:00",
    ]


def test_blackout_is_read_by_the_clock_of_the_schedule() -> None:
    hourly = spec("0 * * * *", "02:00-05:00", zone="Asia/Kathmandu")
    assert local(hourly, "2026-11-23T01:30", 2) == ["Mon 23 05:00", "Mon 23 06:00"]


def test_blackout_that_ends_in_a_gap_ends_with_the_gap() -> None:
    assert local(spec("*/15 * * * *", "01:00-02:30", zone=CHICAGO), "2026-03-08T00:50", 2) == [
        "Sun 08 03:00",
        "Sun 08 03:15",
    ]


def test_blackout_that_ends_in_the_repeated_hour_ends_once() -> None:
    quarters = spec("*/30 * * * *", "00:00-01:30", zone=CHICAGO)
    assert local(quarters, "2026-10-31T23:45", 4) == [
        "Sun 01 01:30",
        "Sun 01 01:00",
        "Sun 01 01:30",
        "Sun 01 02:00",
    ]


def test_fire_that_waits_for_the_end_is_found_from_inside_the_blackout() -> None:
    nightly = spec("0 1 * * *", "00:00-06:00")
    inside = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert next_fire(nightly, inside) == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert last_fire(nightly, inside, since=inside - timedelta(days=2)) == datetime(
        2026, 11, 22, 6, tzinfo=UTC
    )


def test_last_fire_before_a_long_blackout_is_found_from_months_away() -> None:
    often = spec("every 15 seconds", "Sat-Sun")
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC)
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    january = datetime(2026, 1, 1, tzinfo=UTC)
    assert last_fire(often, sunday, since=january) == monday - timedelta(days=2, seconds=15)
    assert last_fire(often, monday, since=january) == monday


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("sat-sun 0:00-6:00", "Sat-Sun 00:00-06:00"),
        ("MON, wed - fri 12:00 - 13:00", "Mon,Wed-Fri 12:00-13:00"),
        ("22:00-06:00", "22:00-06:00"),
        ("18:00-24:00", "18:00-24:00"),
        ("Fri-Mon", "Fri-Mon 00:00-24:00"),
    ],
)
def test_blackout_is_kept_in_one_form(written: str, kept: str) -> None:
    assert parse_blackout(written).text == kept
    assert parse_blackout(kept) == parse_blackout(written)


def test_days_may_run_over_the_end_of_the_week() -> None:
    assert parse_blackout("Fri-Mon").days == {4, 5, 6, 0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no window of the week"),
        ("Sat Sun", "is no window of the week"),
        ("Saturday", "'Saturday' names no days"),
        ("Sat-Sun-Mon", "names no days"),
        ("25:00-26:00", "'25:00' is no time of day"),
        ("06:00-06:00", "ends when it begins"),
        ("24:00-06:00", "ends when it begins"),
    ],
)
def test_blackout_that_means_nothing_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueInvalid, match=reason):
        parse_blackout(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Saturday 00:00-06:00", "did you mean 'Sat'?"),
        ("Sat-Sin", "did you mean 'Sun'?"),
        ("xyz", "the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("Sat-Sun-Mon", "the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
    ],
)
def test_misspelt_days_come_with_the_right_ones(text: str, hint: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        parse_blackout(text)
    assert caught.value.hint == hint


def test_blackouts_of_the_whole_week_are_refused() -> None:
    with pytest.raises(ValueInvalid, match="leaves no time"):
        spec("@daily", "Mon-Fri", "Sat-Sun 00:00-12:00", "Sat,Sun 12:00-24:00")


# Jitter


def test_jitter_delays_each_fire_by_its_own_lot_within_bounds() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fires = next_fires(spec("@hourly", jitter_s=600), start, 200)
    lots = {fire - fire.replace(minute=0, second=0) for fire in fires}
    assert min(lots) >= timedelta()
    assert max(lots) < timedelta(minutes=10)
    assert len(lots) > 100


def test_jitter_is_the_same_for_the_same_job_and_time_from_wherever_one_looks() -> None:
    hourly = spec("@hourly", jitter_s=1800)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fires = next_fires(hourly, start, 30)
    for k in range(24 * 6):
        moment = start + k * timedelta(minutes=7)
        assert next_fire(hourly, moment) == next(fire for fire in fires if fire > moment)


def test_jobs_with_one_rule_fire_at_different_times() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fires = {next_fire(spec("@daily", jitter_s=3600, job=f"job{k}"), start) for k in range(20)}
    assert len(fires) > 15


def test_jitter_of_a_fire_moved_by_a_blackout_counts_from_its_end() -> None:
    nightly = spec("0 1 * * *", "00:00-06:00", jitter_s=3600)
    fires = next_fires(nightly, datetime(2026, 11, 23, tzinfo=UTC), 10)
    assert {fire.hour for fire in fires} == {6}
    assert len({fire.minute for fire in fires}) > 5


def test_jitter_never_leads_into_a_blackout() -> None:
    evening = spec("0 23 * * *", "23:30-06:00", jitter_s=7200)
    hours = {fire.hour for fire in next_fires(evening, datetime(2026, 11, 1, tzinfo=UTC), 30)}
    assert hours == {23, 6}


@pytest.mark.parametrize(
    ("text", "jitter_s", "reason"),
    [
        ("every 5 minutes", 300, "must be shorter than 'every'"),
        ("@daily", 0.5, "from 1 second to 12 hours"),
        ("@weekly", 86400, "from 1 second to 12 hours"),
    ],
)
def test_jitter_beyond_reason_is_refused(text: str, jitter_s: float, reason: str) -> None:
    with pytest.raises(ValueInvalid, match=reason):
        spec(text, jitter_s=jitter_s)


# Both, against a reckoning minute by minute

WINDOWS = ["Sat-Sun 00:00-06:00", "22:00-03:00", "Mon,Thu 01:00-24:00", "Sun", "01:30-02:30"]
ZONES = [(CHICAGO, "2026-03-08"), (CHICAGO, "2026-11-01"), ("Australia/Lord_Howe", "2026-04-05")]


@settings(max_examples=30, deadline=None)
@given(
    text=st.sampled_from(["*/20 * * * *", "7 */5 * * *", "30 2 * * *", "every 45 minutes"]),
    windows=st.lists(st.sampled_from(WINDOWS), max_size=3),
    jitter_s=st.sampled_from([0, 60, 1200, 2400]),
    place=st.sampled_from(ZONES),
)
def test_every_moved_fire_is_found_and_no_other(
    text: str, windows: list[str], jitter_s: float, place: tuple[str, str]
) -> None:
    zone, change = place
    moved = spec(text, *windows, jitter_s=jitter_s, zone=zone)
    middle = datetime.fromisoformat(change).replace(tzinfo=UTC)
    begin, end = middle - timedelta(days=2), middle + timedelta(days=2)
    expected = {_moved(moved, time) for time in _plain(text, zone, middle)}
    found = _until(end, moved, begin)
    assert all(a < b for a, b in pairwise(found))
    assert found == sorted(fire for fire in expected if begin < fire < end)


@cache
def _plain(text: str, zone: str, middle: datetime) -> list[datetime]:
    margin = timedelta(days=5)
    return _until(middle + margin, parse_schedule(text, zone), middle - margin)


def _until(end: datetime, spec: ScheduleSpec, begin: datetime) -> list[datetime]:
    fires = []
    moment = next_fire(spec, begin)
    while moment is not None and moment < end:
        fires.append(moment)
        moment = next_fire(spec, moment)
    return fires


def _moved(spec: ScheduleSpec, time: datetime) -> datetime:
    """Out of the windows minute by minute, then by the lot, then out again."""
    free = _out(spec, time)
    without_windows = replace(spec, blackout=())
    only = next_shifted(
        without_windows, lambda after: free if after < free else None, free - MINUTE
    )
    assert only is not None
    return _out(spec, only)


def _out(spec: ScheduleSpec, moment: datetime) -> datetime:
    while any(begin <= moment < end for begin, end in _windows(spec, moment)):
        moment = (moment + MINUTE).replace(second=0)
    return moment


def _windows(spec: ScheduleSpec, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    zone = ZoneInfo(spec.timezone)
    day = moment.astimezone(zone).date()
    for back in range(3):
        for window in spec.blackout:
            opening = window.opening_on(day - timedelta(days=back))
            if opening is not None:
                yield _first(opening[0], zone), _first(opening[1], zone)


@cache
def _first(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first minute at which the clock shows that time or a later one, looked for one by one."""
    moment = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += MINUTE
    return moment
