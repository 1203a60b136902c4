"""Dates in a grid: what R's seq() of dates gives, month ends included."""

import subprocess
from datetime import date

import pytest

from jobs.dates import date_values, parse_date
from jobs.errors import ValueInvalid
from jobs.grid import MAX_CELLS

STEPS = ("day", "week", "month", "quarter", "year", "2 weeks", "3 days", "5 months", "2 years")
RANGES = [
    (first, last, by)
    for first, last in [
        ("2026-01-01", "2026-12-31"),
        ("2026-01-31", "2026-12-31"),
        ("2023-11-30", "2024-03-01"),
        ("2024-02-29", "2033-02-28"),
        ("2026-05-05", "2026-05-05"),
        ("2026-01-29", "2026-02-28"),
    ]
    for by in (
        "day",
        "week",
        "month",
        "quarter",
        "year",
        "2 weeks",
        "3 days",
        "5 months",
        "2 years",
    )
]


def test_dates_are_those_of_seq_in_r() -> None:
    calls = [
        f"cat(format(seq(as.Date('{first}'), as.Date('{last}'), by = '{by}')), '\\n')"
        for first, last, by in RANGES
    ]
    said = subprocess.check_output(["Rscript", "-e", "; ".join(calls)], text=True, timeout=120)
    ours = [
        [str(day) for day in date_values(parse_date(first), parse_date(last), by)]
        for first, last, by in RANGES
    ]
    assert ours == [line.split() for line in said.splitlines()]


def test_a_step_may_be_written_in_the_plural() -> None:
    first, last = date(2026, 1, 1), date(2026, 6, 30)
    assert date_values(first, last, "2 months") == date_values(first, last, " 2 Month ")


def test_the_end_of_the_calendar_is_no_error() -> None:
    assert date_values(date(9999, 11, 30), date(9999, 12, 31), "month") == (
        date(9999, 11, 30),
        date(9999, 12, 30),
    )


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "01.02.2026", "", "x-y"])
def test_what_is_no_date_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueInvalid, match="is no date"):
        parse_date(text)


@pytest.mark.parametrize("by", ["moth", "0 days", "1.5 weeks", "DSTday", "", "-1 month", "2"])
def test_what_is_no_step_is_said_to_be_none(by: str) -> None:
    with pytest.raises(ValueInvalid, match="is no step between dates"):
        date_values(date(2026, 1, 1), date(2026, 2, 1), by)


def test_too_many_dates_are_refused() -> None:
    with pytest.raises(ValueInvalid, match=f"more than {MAX_CELLS} dates"):
        date_values(date(1, 1, 1), date(9999, 12, 31), "day")
