"""Durations and sizes in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.duration import format_duration, parse_duration
from jobs.errors import ValueInvalid
from jobs.size import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2 minutes", 120),
        ("1 hour 30 minutes", 5400),
        ("1 hour, 30 minutes", 5400),
        ("1 hour and 30 minutes", 5400),
        ("90 s", 90),
        ("90s", 90),
        ("24 hours", 86400),
        ("7 days", 604800),
        ("2 Weeks", 1209600),
        ("1.5 hours", 5400),
        ("250 ms", 0.25),
        ("0 seconds", 0),
    ],
)
def test_words_are_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(min_value=0, max_value=10 * 365 * 86400 * 1000))
def test_a_duration_written_out_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5400, "1 hour 30 minutes"), (604800, "7 days"), (60, "1 minute"), (0, "0 seconds")],
)
def test_a_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2 minuts", "did you mean '2 minutes'?"),
        ("90", "write 90 seconds"),
        ("1 month", "write 30 days"),
        ("", "for example"),
        ("soon", "for example"),
        ("-5 minutes", "for example"),
        ("5 minutes or so", "for example"),
        ("2000 years", "write"),
    ],
)
def test_what_is_no_duration_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        parse_duration(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("10 GB", 10 * 2**30), ("512MB", 512 * 2**20), ("1.5 GiB", 3 * 2**29), ("100 B", 100)],
)
def test_sizes_are_powers_of_1024(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes
    assert parse_size(format_size(size_bytes)) == size_bytes


@pytest.mark.parametrize("text", ["10", "10 apples", "GB", "-1 GB"])
def test_what_is_no_size_gets_a_hint(text: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        parse_size(text)
    assert caught.value.hint
