"""Records of calls: whole or not there, the first end stands, and gone when their time is over."""

from datetime import timedelta
from pathlib import Path

import pytest
from fakes import FakePool, FixedClock
from kitchen import gain_job, open_pantry

from api.errors import status_named
from api.preference import RespondAsync, read_preference
from cache.call_records import CallRecord, CallRecords
from engine.errand import Errand, asking
from engine.errors import CallCancelled, EvaluationTimeout
from jobs.call import Call

KEY, OTHER = "x0123456789abcd", "x0fedcba9876543"
HOUR_S = 3600.0


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def records(tmp_path: Path, clock: FixedClock) -> CallRecords:
    return CallRecords(tmp_path / "calls", clock=clock, keep_s=HOUR_S)


def a_record(clock: FixedClock, key: str = KEY) -> CallRecord:
    facts = {"function": "stats::rnorm", "owner": "here:1:2-3", "caller": "shop"}
    return CallRecord(key=key, began_at=clock(), **facts)


def test_record_is_read_as_it_was_written(records: CallRecords, clock: FixedClock) -> None:
    record = a_record(clock)
    records.put(record)
    assert records.get(KEY) == record
    assert records.get(OTHER) is None
    assert records.get("../calls/x") is None


def test_what_a_later_larder_added_survives(clock: FixedClock) -> None:
    text = a_record(clock).to_json().replace(b"{", b'{"colour":"blue",', 1)
    assert CallRecord.from_json(text).extra == {"colour": "blue"}
    assert b'"colour":"blue"' in CallRecord.from_json(text).to_json()


def test_first_end_of_a_call_stands(records: CallRecords, clock: FixedClock) -> None:
    records.put(a_record(clock))
    clock.advance(seconds=5)
    records.end(KEY, "stats::rnorm", failure="CallCancelled", reason="no")
    records.end(KEY, "stats::rnorm", session_key=OTHER)
    ended = records.get(KEY)
    assert ended is not None
    assert (ended.failure, ended.session_key, ended.ended_at) == ("CallCancelled", None, clock())
    assert ended.owner == "here:1:2-3"


def test_call_that_nobody_was_promised_can_end_too(records: CallRecords) -> None:
    records.end(KEY, "stats::rnorm", failure="WorkerDied", reason="gone")
    ended = records.get(KEY)
    assert ended is not None
    assert (ended.function, ended.failure) == ("stats::rnorm", "WorkerDied")


def test_record_goes_when_its_time_is_over(records: CallRecords, clock: FixedClock) -> None:
    records.put(a_record(clock))
    clock.advance(minutes=30)
    records.put(a_record(clock, OTHER))
    assert records.sweep(HOUR_S) == 0
    clock.advance(minutes=31)
    assert records.get(KEY) is None  # not swept yet, and over all the same
    assert records.sweep(HOUR_S) == 1
    assert records.get(OTHER) is not None


def test_sweep_of_no_folder_removes_nothing(records: CallRecords) -> None:
    assert records.sweep(HOUR_S) == 0


def test_broken_record_is_no_record_and_goes(
    records: CallRecords, clock: FixedClock, tmp_path: Path
) -> None:
    records.put(a_record(clock))
    place = tmp_path / "calls"
    (place / f"{KEY}.json").write_bytes(b"{")
    (place / f"{OTHER}.json").write_bytes(b'{"format": 99}')
    (place / ".half").write_bytes(b"{")
    assert records.get(KEY) is None
    assert records.get(OTHER) is None
    clock.now += timedelta(days=365_0)
    assert records.sweep(HOUR_S) == 3
    assert list(place.iterdir()) == []


def test_call_that_leaves_no_session_leaves_a_record(tmp_path: Path) -> None:
    def too_slow(**_: object) -> None:
        raise EvaluationTimeout(90)

    with open_pantry(tmp_path, FakePool(gain=too_slow), gain_job()) as pantry:
        with pytest.raises(EvaluationTimeout):
            pantry.materialiser.evaluate(
                Call("scoring::gain", {"treatment": "CBT"}), session_key=KEY
            )
        ended = pantry.calls.get(KEY)
        assert ended is not None
        assert ended.failure == "EvaluationTimeout"
        assert "90 seconds" in (ended.reason or "")
        assert not pantry.sessions.is_staged(KEY)


@pytest.mark.parametrize(
    ("name", "status"),
    [("EvaluationTimeout", 504), ("PackageNotFound", 400), ("StoreFull", 507), ("Unknown", 500)],
)
def test_status_of_an_error_is_found_by_its_name(name: str, status: int) -> None:
    assert status_named(name) == status


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ([], None),
        (["return=minimal"], None),
        (["respond-async"], RespondAsync()),
        (["Respond-Async, wait=10"], RespondAsync(10)),
        (["wait=10", "respond-async;x=y"], RespondAsync(10)),
        (['respond-async, wait="5", wait=9'], RespondAsync(5)),
        (["respond-async, wait=soon"], RespondAsync()),
        (["respond-async, wait=" + "9" * 400], RespondAsync(3600)),
    ],
)
def test_preference_is_read_as_rfc_7240_has_it(
    headers: list[str], wanted: RespondAsync | None
) -> None:
    assert read_preference([(b"prefer", text.encode()) for text in headers]) == wanted


def test_errand_that_was_called_off_asks_nothing_more() -> None:
    errand = Errand()
    with errand.begun():
        with asking("one"):
            assert errand.under_way() == ("one",)
        assert errand.under_way() == ()
        errand.call_off()
        with pytest.raises(CallCancelled), asking("two"):
            pass
    with asking("three"):  # nobody's errand
        assert errand.under_way() == ()
