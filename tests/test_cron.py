"""Lines of cron: which ones Debian's cron takes, and that it would run them when we do."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from debian_cron import NICKNAMES, CronLine, Minute, fires, minutes
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.errors import ValueInvalid
from jobs.schedule_spec import cron_schedule
from scheduler.triggers import next_fire, next_fires

CHANGES = {
    "America/Chicago": ["2026-03-08", "2026-11-01"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],  # by half an hour
    "America/Havana": ["2026-03-08", "2026-11-01"],  # at midnight
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],  # by two hours
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],  # at a quarter to
    "Asia/Kathmandu": ["2026-02-28"],  # never
}
WEEKS = [(zone, day) for zone, days in CHANGES.items() for day in days]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0 5 * * mon-fri", "0 5 * * MON-FRI"),
        ("  0\t5 * *  1-5 ", "0 5 * * 1-5"),
        ("*,5 0-23/2 1,15-20/5 JAN,mar-5 5-7", "*,5 0-23/2 1,15-20/5 JAN,MAR-5 5-7"),
        ("10-10/5 0 * * *", "10 0 * * *"),
        ("*/100 0 * * *", "*/100 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_line_is_kept_in_one_form(written: str, kept: str) -> None:
    assert cron_schedule(written, "UTC").text == kept


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("5/15 * * * *", "minute"),  # a step goes with a range
        ("60 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("5-7/2/2 * * * *", "minute"),
        ("30-10 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* *-3 * * *", "hour"),
        ("0 0 0 * *", "day of the month"),
        ("0 0 L * *", "day of the month"),
        ("0 0 LW * *", "day of the month"),
        ("0 0 MON * *", "day of the month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * MON *", "month"),
        ("0 0 * JANUARY *", "month"),
        ("0 0 * * 8", "weekday"),
        ("0 0 * * FRI-SUN", "weekday"),
        ("0 0 * * 5L", "weekday"),
        ("0 0 * * MON#2", "weekday"),
        (f"0 0 * * {'9' * 5000}", "weekday"),
        ("0 0 * * \N{SUPERSCRIPT TWO}", "weekday"),
    ],
)
def test_line_that_cron_would_not_take_is_refused_with_its_field(text: str, field: str) -> None:
    with pytest.raises(ValueInvalid, match=f"the field for the {field} is wrong"):
        cron_schedule(text, "UTC")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("5/15 * * * *", "a step goes with a range: 5-59/15"),
        ("0 0 * * FRI-SUN", "at the end of a range Sunday is 7: 5-7"),
        ("0 0 * * MON-FRU", "did you mean 'FRI'?"),
        ("0 0 * SETP *", "did you mean 'SEP'?"),
        (
            "0 25 * * *",
            "it may be *, a number (0-23), a range (1-5), a list (1,3) or a step (*/15)",
        ),
    ],
)
def test_refused_line_comes_with_its_nearest_spelling(text: str, hint: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        cron_schedule(text, "UTC")
    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 2 */2", "0 0 31 4,6,9,11 *"])
def test_line_for_days_that_never_come_is_refused(text: str) -> None:
    with pytest.raises(ValueInvalid, match="never fires"):
        cron_schedule(text, "UTC")


def _list_of(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    named = st.sampled_from(names) if names else number.map(str)
    span = st.tuples(number, number).map(sorted).map(lambda ends: f"{ends[0]}-{ends[1]}")
    step = st.tuples(span | st.just("*"), st.integers(1, 20)).map(
        lambda pair: "/".join(map(str, pair))
    )
    term = number.map(str) | named | span | step | st.just("*")
    return st.lists(term, min_size=1, max_size=3).map(",".join)


def _field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    return st.just("*") | st.integers(low, high).map(str) | _list_of(low, high, names)


LINES = st.tuples(
    _field(0, 59),
    _list_of(0, 4) | _field(0, 23),  # where clocks change, more often than not
    _field(1, 28),
    _field(1, 12, ("JAN", "mar", "Apr", "SEP", "OCT", "nov")),
    _field(0, 7, ("SUN", "mon", "Tue", "SAT")),
).map(" ".join) | st.sampled_from(sorted(NICKNAMES))


@settings(max_examples=120, deadline=None)
@given(text=LINES, week=st.sampled_from(WEEKS))
@example("*/10 */2 */5 * */3", ("Europe/Berlin", "2026-03-29"))
@example("0,59 0-4 * * *", ("Antarctica/Troll", "2026-03-29"))
@example("0,59 0-4 * * *", ("Antarctica/Troll", "2026-10-25"))
@example("@hourly", ("Australia/Lord_Howe", "2026-10-04"))
@example("@hourly", ("Australia/Lord_Howe", "2026-04-05"))
def test_any_line_fires_around_a_change_of_clocks_as_cron_would(
    text: str, week: tuple[str, str]
) -> None:
    zone, passing = week[0], _week(*week)
    spec = cron_schedule(text, zone)
    (expected,) = fires([CronLine(text)], passing)
    found = []
    moment = next_fire(spec, passing[0].at - timedelta(seconds=1))
    while moment is not None and moment <= passing[-1].at:
        found.append(moment)
        moment = next_fire(spec, moment)
    assert found == expected


@pytest.mark.parametrize(("zone", "change"), WEEKS)
def test_fixed_times_fire_once_a_day_and_at_times_that_exist(zone: str, change: str) -> None:
    passing = _week(zone, change)
    shown = {minute.at: minute.wall for minute in passing}
    before = passing[0].at - timedelta(seconds=1)
    for hour, minute in [(hour, minute) for hour in range(5) for minute in (0, 15, 30, 45, 59)]:
        spec = cron_schedule(f"{minute} {hour} * * *", zone)
        days = [shown[fire].date() for fire in next_fires(spec, before, 7)]
        assert days == [passing[0].wall.date() + timedelta(days=k) for k in range(7)]


@settings(max_examples=60, deadline=None)
@given(text=LINES, week=st.sampled_from(WEEKS), place=st.floats(0, 1))
def test_next_fire_is_the_same_from_wherever_one_looks(
    text: str, week: tuple[str, str], place: float
) -> None:
    zone, passing = week[0], _week(*week)
    (expected,) = fires([CronLine(text)], passing)
    after = passing[0].at + place * (passing[-1].at - passing[0].at)
    following = next((time for time in expected if time > after), None)
    found = next_fire(cron_schedule(text, zone), after)
    assert found == following or (following is None and (found or after) > passing[-1].at)


@cache
def _week(zone: str, change: str) -> list[Minute]:
    day = datetime.fromisoformat(change).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    begin = day.replace(second=0) - timedelta(days=3)
    return list(minutes(zone, begin, begin + timedelta(days=7)))
