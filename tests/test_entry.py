"""An entry: its state at a moment, and its stored form."""

import gzip
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import brotli
import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.clock import from_text, to_text
from cache.entry import Body, Entry, EntrySummary, Freshness, State, Version
from cache.errors import ArgumentUnsupported, EntryFormatTooNew, EntryUnreadable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_AND_WEEK = Freshness(86_400, 7 * 86_400, 90 * 86_400)


def an_entry(**changes: Any) -> Entry:
    fresh_until, stale_until, keep_until = DAY_AND_WEEK.until(NOON)
    entry = Entry(
        cache_key="9f78ef17f5f34393be2421a4d4c6c0a9",
        function="scoring::gain",
        job="weight_gain",
        version="v1",
        session_key="x0123456789abcd",
        arguments={"treatment": "CBT", "prewt": 80, "when": {"r": "Sys.Date()"}},
        computed_at=NOON,
        duration_s=0.25,
        fresh_until=fresh_until,
        stale_until=stale_until,
        keep_until=keep_until,
        pinned=True,
        tags=("regulated",),
        seed=7,
        listing=("R/.val", "stdout"),
        bodies={
            "json": Body.of(b'{"gain": 3.5}\n' * 200, "application/json"),
            "png": Body.of(b"\x89PNG" * 500, "image/png", [("Content-Disposition", "inline")]),
        },
    )
    return replace(entry, **changes)


def with_header(data: bytes, **changes: Any) -> bytes:
    (length,) = struct.unpack("<I", data[4:8])
    header = orjson.dumps({**orjson.loads(data[8 : 8 + length]), **changes})
    return data[:4] + struct.pack("<I", len(header)) + header + data[8 + length :]


@pytest.mark.parametrize(
    ("hours", "state"),
    [(0, State.FRESH), (23, State.FRESH), (24, State.STALE), (191, State.STALE), (192, State.MISS)],
)
def test_entry_is_fresh_then_stale_then_a_miss(hours: int, state: State) -> None:
    assert an_entry().state(NOON + hours * HOUR) is state


def test_same_version_changes_nothing() -> None:
    assert an_entry().state(NOON, Version("v1", NOON)) is State.FRESH


@pytest.mark.parametrize(
    ("hours", "state"), [(1, State.STALE), (168, State.STALE), (169, State.MISS)]
)
def test_newer_version_makes_an_entry_stale_at_once(hours: int, state: State) -> None:
    assert an_entry().state(NOON + hours * HOUR, Version("v2", NOON + HOUR)) is state


def test_newer_version_never_lengthens_the_time() -> None:
    late = Version("v2", NOON + 100 * HOUR)
    assert an_entry().state(NOON + 192 * HOUR, late) is State.MISS


def test_entry_is_kept_at_least_as_long_as_it_is_served() -> None:
    assert Freshness(10, 20, 5).until(NOON)[2] == NOON + timedelta(seconds=30)


def test_entry_survives_being_stored() -> None:
    assert Entry.from_bytes(an_entry().to_bytes()) == an_entry()


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=5), st.binary(max_size=2000), max_size=4),
    st.sampled_from(["text/csv; charset=utf-8", "image/png"]),
    st.text(max_size=20),
)
def test_any_bodies_survive_being_stored(
    contents: dict[str, bytes], media_type: str, tag: str
) -> None:
    bodies = {name: Body.of(content, media_type) for name, content in contents.items()}
    entry = an_entry(bodies=bodies, tags=(tag,))
    assert Entry.from_bytes(entry.to_bytes()) == entry


def test_summary_has_all_but_the_bodies() -> None:
    summary = an_entry().summary(5000)
    assert EntrySummary.from_bytes(summary.to_bytes()) == summary
    assert (summary.formats, summary.size_bytes) == (("json", "png"), 5000)
    assert summary.state(NOON) is State.FRESH


def test_unknown_fields_survive_a_round() -> None:
    read = Entry.from_bytes(with_header(an_entry().to_bytes(), cost_usd=0.02))
    assert read.extra == {"cost_usd": 0.02}
    assert Entry.from_bytes(read.to_bytes()) == read
    assert EntrySummary.from_bytes(read.summary().to_bytes()).extra == read.extra


def test_newer_format_is_refused() -> None:
    with pytest.raises(EntryFormatTooNew, match="format 2"):
        Entry.from_bytes(with_header(an_entry().to_bytes(), format=2))


def test_entry_cut_short_anywhere_is_unreadable() -> None:
    data = an_entry().to_bytes()
    for length in [*range(40), *range(40, len(data), 97), len(data) - 1]:
        with pytest.raises(EntryUnreadable, match="entry k1 cannot be read"):
            Entry.from_bytes(data[:length], "k1")


@pytest.mark.parametrize(
    "changes",
    [{"computed_at": "today"}, {"computed_at": 5}, {"bodies": 3}, {"format": "x"}, {"tags": None}],
)
def test_header_that_makes_no_sense_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(EntryUnreadable):
        Entry.from_bytes(with_header(an_entry().to_bytes(), **changes))


def test_arguments_that_are_not_plain_json_are_refused() -> None:
    with pytest.raises(ArgumentUnsupported, match="not plain JSON"):
        an_entry(arguments={"x": object()}).to_bytes()


def test_large_text_is_compressed_three_ways_that_all_open() -> None:
    body = Body.of(b"0.123," * 40_000, "text/csv; charset=utf-8")
    assert brotli.decompress(body.encodings["br"]) == body.content
    assert gzip.decompress(body.encodings["gzip"]) == body.content
    assert zstandard.decompress(body.encodings["zstd"]) == body.content


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"a" * 1023, "text/plain"),
        (b"a" * 5000, "image/png"),
        (b"a" * 5000, "application/octet-stream"),
    ],
)
def test_small_bodies_and_packed_formats_are_left_alone(content: bytes, media_type: str) -> None:
    assert Body.of(content, media_type).encodings == {}


def test_compressed_form_that_is_no_smaller_is_dropped() -> None:
    noise = b"".join(blake2b(bytes([number])).digest() for number in range(40))
    assert Body.of(noise, "text/plain").encodings == {}


def test_etag_is_quoted_and_follows_the_content() -> None:
    one, same, other = (Body.of(content, "text/plain") for content in (b"a", b"a", b"b"))
    assert one.etag == same.etag != other.etag
    assert one.etag[0] == one.etag[-1] == '"'


@settings(deadline=None)
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2300, 1, 1), timezones=st.timezones())  # noqa: DTZ001
)
def test_moments_survive_as_text(moment: datetime) -> None:
    # In UTC: within the hour that a zone has twice, Python finds no other moment equal.
    assert from_text(to_text(moment)) == moment.astimezone(UTC)


def test_moments_have_one_text_form() -> None:
    assert to_text(NOON) == "2026-11-23T12:00:00.000000Z"
    assert from_text("2026-11-23T06:00:00-06:00") == NOON


def test_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        to_text(datetime(2026, 1, 1))  # noqa: DTZ001  (the mistake under test)
    with pytest.raises(ValueError, match="time zone"):
        from_text("2026-01-01T00:00:00")
