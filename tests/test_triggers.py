"""When schedules fire: cron as cron means it, periods, and what happens when clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.schedule_spec import ScheduleSpec, cron_schedule, every_schedule
from scheduler.errors import TriggerInvalid
from scheduler.triggers import last_fire, next_fire, next_fires

CHICAGO = "America/Chicago"  # 2026: 8 March 02:00 -> 03:00, 1 November 02:00 -> 01:00
BERLIN = "Europe/Berlin"  # 2026: 29 March 02:00 -> 03:00, 25 October 03:00 -> 02:00
LORD_HOWE = "Australia/Lord_Howe"  # 2026: 5 April 02:00 -> 01:30, 4 October 02:00 -> 02:30
HAVANA = "America/Havana"  # 2026: 8 March 00:00 -> 01:00


def local(spec: ScheduleSpec, start: str, n: int) -> list[str]:
    """The next n fires after a local time, as the schedule's own clock shows them."""
    zone = ZoneInfo(spec.timezone)
    begin = datetime.fromisoformat(start)
    fires = next_fires(spec, begin.replace(tzinfo=zone) if begin.tzinfo is None else begin, n)
    return [f"{fire.astimezone(zone):%a %Y-%m-%d %H:%M %z}" for fire in fires]


def cron(text: str, zone: str = "UTC") -> ScheduleSpec:
    return cron_schedule(text, zone)


def test_cron_reads_five_fields() -> None:
    assert local(cron("30 4 1,15 * *"), "2026-01-01T04:30", 3) == [
        "Thu 2026-01-15 04:30 +0000",
        "Sun 2026-02-01 04:30 +0000",
        "Sun 2026-02-15 04:30 +0000",
    ]


@pytest.mark.parametrize("weekday", ["0", "7", "SUN", "sun"])
def test_sunday_is_zero_and_seven(weekday: str) -> None:
    assert local(cron(f"0 5 * * {weekday}"), "2026-11-23", 2) == [
        "Sun 2026-11-29 05:00 +0000",
        "Sun 2026-12-06 05:00 +0000",
    ]


@pytest.mark.parametrize("days", ["1-5", "MON-FRI", "mon-fri", "MON,TUE,WED,THU,FRI"])
def test_weekdays_are_monday_to_friday(days: str) -> None:
    fires = local(cron(f"0 5 * * {days}"), "2026-11-26", 4)
    assert [fire[:3] for fire in fires] == ["Thu", "Fri", "Mon", "Tue"]


def test_range_to_seven_ends_on_sunday() -> None:
    fires = local(cron("0 0 * * 5-7"), "2026-11-23", 4)
    assert [fire[:3] for fire in fires] == ["Fri", "Sat", "Sun", "Fri"]


def test_day_of_month_or_weekday_when_both_are_given() -> None:
    assert local(cron("0 0 13 * FRI"), "2026-11-01", 4) == [
        "Fri 2026-11-06 00:00 +0000",
        "Fri 2026-11-13 00:00 +0000",
        "Fri 2026-11-20 00:00 +0000",
        "Fri 2026-11-27 00:00 +0000",
    ]
    assert "Sun 2026-12-13 00:00 +0000" in local(cron("0 0 13 * FRI"), "2026-11-28", 4)


def test_a_star_leaves_the_other_day_field_to_decide() -> None:
    assert local(cron("0 0 13 * *"), "2026-11-01", 1) == ["Fri 2026-11-13 00:00 +0000"]
    assert local(cron("0 0 * * FRI"), "2026-11-01", 1) == ["Fri 2026-11-06 00:00 +0000"]


def test_steps_count_from_the_start_of_the_range() -> None:
    fires = local(cron("10-40/15 * * * *"), "2026-11-01", 4)
    assert [fire[-11:-6] for fire in fires] == ["00:10", "00:25", "00:40", "01:10"]


def test_leap_day_is_found_years_ahead() -> None:
    assert local(cron("0 0 29 2 *"), "2026-11-01", 1) == ["Tue 2028-02-29 00:00 +0000"]


def test_the_moment_itself_is_not_the_next_fire() -> None:
    at_five = datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert next_fire(cron("0 5 * * *"), at_five) == at_five + timedelta(days=1)
    assert next_fire(cron("0 5 * * *"), at_five - timedelta(microseconds=1)) == at_five


def test_cron_reads_the_clock_of_its_zone_in_summer_and_winter() -> None:
    spec = cron("0 5 * * MON-FRI", CHICAGO)
    assert next_fire(spec, datetime(2026, 7, 1, tzinfo=UTC)) == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert next_fire(spec, datetime(2026, 12, 1, tzinfo=UTC)) == datetime(
        2026, 12, 1, 11, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "text", "start", "fires"),
    [
        (CHICAGO, "30 2 * * *", "2026-03-07T12:00", ["08 03:00 -0500", "09 02:30 -0500"]),
        (BERLIN, "30 2 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:30 +0200"]),
        (LORD_HOWE, "15 2 * * *", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
        (HAVANA, "0 0 * * *", "2026-03-07T12:00", ["08 01:00 -0400", "09 00:00 -0400"]),
    ],
)
def test_time_in_the_gap_fires_once_right_after_it(
    zone: str, text: str, start: str, fires: list[str]
) -> None:
    assert [fire[-14:] for fire in local(cron(text, zone), start, 2)] == fires


def test_several_times_in_one_gap_fire_once() -> None:
    fires = local(cron("0,15,30,45 2 * * *", CHICAGO), "2026-03-07T12:00", 2)
    assert fires == ["Sun 2026-03-08 03:00 -0500", "Mon 2026-03-09 02:00 -0500"]


@pytest.mark.parametrize(
    ("zone", "text", "start", "fires"),
    [
        (CHICAGO, "30 1 * * *", "2026-10-31T12:00", ["01 01:30 -0500", "02 01:30 -0600"]),
        (BERLIN, "30 2 * * *", "2026-10-24T12:00", ["25 02:30 +0200", "26 02:30 +0100"]),
        (LORD_HOWE, "45 1 * * *", "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
    ],
)
def test_time_that_comes_twice_fires_the_first_time(
    zone: str, text: str, start: str, fires: list[str]
) -> None:
    assert [fire[-14:] for fire in local(cron(text, zone), start, 2)] == fires


def test_start_in_the_repeated_hour_does_not_fire_the_past() -> None:
    second_time = "2026-11-01T01:10-06:00"
    assert local(cron("30 1 * * *", CHICAGO), second_time, 1) == ["Mon 2026-11-02 01:30 -0600"]


def test_repeating_schedules_follow_the_clock_through_the_gap() -> None:
    assert local(cron("*/30 * * * *", CHICAGO), "2026-03-08T01:15", 3) == [
        "Sun 2026-03-08 01:30 -0600",
        "Sun 2026-03-08 03:00 -0500",
        "Sun 2026-03-08 03:30 -0500",
    ]
    quarters = local(cron("*/15 3 * * *", LORD_HOWE), "2026-10-04T00:00", 4)
    assert [fire[-11:-6] for fire in quarters] == ["03:00", "03:15", "03:30", "03:45"]


def test_repeating_schedules_follow_the_clock_through_the_repeated_hour() -> None:
    assert local(cron("*/30 * * * *", CHICAGO), "2026-11-01T00:45", 6) == [
        "Sun 2026-11-01 01:00 -0500",
        "Sun 2026-11-01 01:30 -0500",
        "Sun 2026-11-01 01:00 -0600",
        "Sun 2026-11-01 01:30 -0600",
        "Sun 2026-11-01 02:00 -0600",
        "Sun 2026-11-01 02:30 -0600",
    ]
    assert local(cron("15 * * * *", CHICAGO), "2026-11-01T01:20-05:00", 2) == [
        "Sun 2026-11-01 01:15 -0600",
        "Sun 2026-11-01 02:15 -0600",
    ]


@pytest.mark.parametrize("text", ["*/7 * * * *", "5 * * * *", "*/20 1-3 * * *", "40 1 * * *"])
@pytest.mark.parametrize("zone", [CHICAGO, BERLIN, LORD_HOWE, HAVANA])
@pytest.mark.parametrize("start", ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03"])
def test_fires_only_move_forward_across_a_change(text: str, zone: str, start: str) -> None:
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    fires = next_fires(cron(text, zone), begin, 30)
    assert fires == sorted(set(fires))
    for k in range(200):  # from wherever one looks, the next fire is the same
        moment = begin + k * timedelta(minutes=13)
        expected = next((fire for fire in fires if fire > moment), None)
        if expected is not None:
            assert next_fire(cron(text, zone), moment) == expected


def test_period_counts_from_the_epoch() -> None:
    quarter = every_schedule(900, None, CHICAGO)
    assert local(quarter, "2026-11-23T05:01:30", 2) == [
        "Mon 2026-11-23 05:15 -0600",
        "Mon 2026-11-23 05:30 -0600",
    ]


def test_period_runs_on_through_clock_changes() -> None:
    fires = next_fires(every_schedule(1800, None, CHICAGO), datetime(2026, 3, 8, 6, tzinfo=UTC), 12)
    assert {b - a for a, b in pairwise(fires)} == {timedelta(minutes=30)}


def test_whole_days_begin_at_their_time_in_the_zone() -> None:
    daily = every_schedule(86400, "02:30", CHICAGO)
    assert local(daily, "2026-03-07T00:00", 3) == [
        "Sat 2026-03-07 02:30 -0600",
        "Sun 2026-03-08 03:00 -0500",
        "Mon 2026-03-09 02:30 -0500",
    ]


def test_whole_days_without_a_time_begin_at_midnight_of_the_zone() -> None:
    assert local(every_schedule(86400, None, BERLIN), "2026-06-01T12:00", 1) == [
        "Tue 2026-06-02 00:00 +0200"
    ]


def test_every_two_days_keeps_its_days_over_months() -> None:
    fires = next_fires(every_schedule(172800, "06:00", "UTC"), datetime(2026, 1, 30, tzinfo=UTC), 9)
    assert {b - a for a, b in pairwise(fires)} == {timedelta(days=2)}


def test_hours_with_a_time_begin_anew_each_day() -> None:
    fires = local(every_schedule(6 * 3600, "02:30", CHICAGO), "2026-11-23T00:00", 5)
    assert [fire[-11:-6] for fire in fires] == ["02:30", "08:30", "14:30", "20:30", "02:30"]
    uneven = local(every_schedule(7 * 3600, "02:00", "UTC"), "2026-11-23T00:00", 5)
    assert [fire[-11:-6] for fire in uneven] == ["02:00", "09:00", "16:00", "23:00", "02:00"]


def test_minutes_with_a_time_are_offset_by_it() -> None:
    fires = local(every_schedule(900, "00:05", CHICAGO), "2026-11-01T01:40-05:00", 4)
    assert [fire[-11:] for fire in fires] == [
        "01:50 -0500",
        "01:05 -0600",
        "01:20 -0600",
        "01:35 -0600",
    ]


def test_seconds_far_from_their_anchor_are_found_at_once() -> None:
    now = datetime(2026, 11, 23, 23, 59, 58, tzinfo=UTC)
    assert next_fires(every_schedule(1, "00:00", "UTC"), now, 2) == [
        now + timedelta(seconds=1),
        now + timedelta(seconds=2),
    ]


@pytest.mark.parametrize("kind", ["at_start", "manual"])
def test_schedules_without_times_have_no_next_fire(kind: str) -> None:
    spec = ScheduleSpec("manual" if kind == "manual" else "at_start", kind)
    assert next_fires(spec, datetime(2026, 1, 1, tzinfo=UTC), 3) == []


@pytest.mark.parametrize(
    "spec",
    [
        ScheduleSpec("cron", "61 * * * *"),
        ScheduleSpec("cron", "* * * *"),
        ScheduleSpec("cron", "0 5 * * *", "Mars/Olympus"),
        ScheduleSpec("every", "every 0 s", every_s=0),
        ScheduleSpec("every", "every 1 day at 25:00", every_s=86400, at="25:00"),
    ],
)
def test_schedule_that_means_nothing_says_so(spec: ScheduleSpec) -> None:
    with pytest.raises(TriggerInvalid, match="cannot be followed"):
        next_fire(spec, datetime(2026, 1, 1, tzinfo=UTC))


def test_last_fire_is_the_latest_one_not_after_now() -> None:
    daily = cron("0 5 * * *")
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert last_fire(daily, now, since=since) == datetime(2026, 11, 23, 5, tzinfo=UTC)
    at_five = datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert last_fire(daily, at_five, since=at_five) == at_five
    assert last_fire(daily, now, since=datetime(2026, 11, 23, 6, tzinfo=UTC)) is None


@settings(max_examples=150, deadline=None)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.replace(tzinfo=UTC)
    ),
    zone=st.sampled_from([CHICAGO, BERLIN, LORD_HOWE, HAVANA, "UTC"]),
    every_s=st.sampled_from([7, 60, 420, 3600, 5400, 25200, 86400, 129600, 604800]),
    at=st.sampled_from([None, "00:00", "02:30", "23:59"]),
)
def test_next_fire_is_later_and_nothing_lies_between(
    start: datetime, zone: str, every_s: int, at: str | None
) -> None:
    spec = every_schedule(every_s, at, zone)
    fire = next_fire(spec, start)
    assert fire is not None
    assert start < fire <= start + timedelta(seconds=every_s + 7200)
    assert last_fire(spec, fire, since=start) == fire
    assert next_fire(spec, start + (fire - start) / 2) == fire
