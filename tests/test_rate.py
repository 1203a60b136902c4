"""Rates in words, and the buckets that hold callers to them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.buckets import BUCKETS, Buckets
from jobs.errors import ValueInvalid
from jobs.rate import Rate, parse_r_seconds, parse_rate


class Steady:
    """Seconds that only grow, when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def buckets(tmp_path: Path, steady: Steady) -> Iterator[Buckets]:
    opened = Buckets(tmp_path / "rates", steady)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/minute", Rate(100, 60)),
        ("10/second", Rate(10, 1)),
        ("10/s", Rate(10, 1)),
        ("5000 per day", Rate(5000, 86400)),
        (" 5 / 10 seconds ", Rate(5, 10)),
    ],
)
def test_rate_is_read_and_written_in_words(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "100", "minute", "-1/minute", "0/minute", "5/fortnight", "5/"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueInvalid):
        parse_rate(text)


def test_seconds_of_r_are_read_by_the_day() -> None:
    assert [parse_r_seconds(text) for text in ("3600/day", "1 hour/day", "90 minutes")] == [
        3600,
        3600,
        5400,
    ]
    with pytest.raises(ValueInvalid, match="by the day"):
        parse_r_seconds("60/minute")
    with pytest.raises(ValueInvalid, match="viewer"):
        parse_r_seconds("0/day")


def test_full_bucket_lets_a_burst_through_and_then_the_rate(
    buckets: Buckets, steady: Steady
) -> None:
    assert [buckets.take("a", 3, 60).wait_s for _ in range(4)] == [0, 0, 0, pytest.approx(20)]
    steady.now += 20
    assert buckets.take("a", 3, 60).wait_s == 0
    assert buckets.take("a", 3, 60).wait_s == pytest.approx(20)
    steady.now += 3600
    assert [buckets.take("a", 3, 60).left for _ in range(3)] == [2, 1, 0]


def test_who_is_refused_is_not_kept_out_any_longer_by_asking(
    buckets: Buckets, steady: Steady
) -> None:
    for _ in range(50):
        buckets.take("a", 3, 60)
    steady.now += 20
    assert buckets.take("a", 3, 60).wait_s == 0


def test_buckets_are_those_of_every_process(buckets: Buckets, tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        for _ in range(2):
            buckets.take("a", 3, 60)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert buckets.take("a", 3, 60).left == 0
    assert buckets.take("b", 3, 60).left == 2


def test_buckets_of_before_a_restart_of_the_machine_hold_nobody_up(
    buckets: Buckets, steady: Steady
) -> None:
    for _ in range(4):
        buckets.take("a", 3, 60)
    steady.now = 5.0
    assert buckets.take("a", 3, 60).left == 2


def test_more_names_than_buckets_still_get_their_tokens(tmp_path: Path, steady: Steady) -> None:
    buckets = Buckets(tmp_path / "rates", steady)
    for number in range(2 * BUCKETS):
        assert buckets.take(str(number), 1, 1).wait_s == 0
        steady.now += 0.0001
    buckets.close()
