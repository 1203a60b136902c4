"""Logs: lines for people, JSON for programs."""

import json
import logging
from collections.abc import Iterator

import pytest

from engine.request_id import working_for
from jobs.access_key import new_secret
from larder.log import configure_log

log = logging.getLogger("jobs.runs")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], level = before
    root.setLevel(level)


def test_line_for_people_has_time_level_role_and_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_log(level="info", form="text", role="scheduler")
    log.info("run finished run=%d took_s=%.1f", 12, 81.24)
    date, time, *rest = capsys.readouterr().err.split()
    assert (len(date), len(time)) == (10, 8)
    assert rest == ["info", "scheduler", "run", "finished", "run=12", "took_s=81.2"]


def test_keys_of_a_message_are_fields_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(level="info", form="json", role="scheduler")
    log.warning("run finished run=%d job=%s took_s=%.1f", 12, "gain", 81.24)
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "run finished",
        "level": "warning",
        "role": "scheduler",
        "logger": "jobs.runs",
        "run": 12,
        "job": "gain",
        "took_s": 81.24,
    }


def test_message_with_other_values_stays_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(level="info", form="json")
    log.info("moved %s to place=%d", "it", 3)
    assert json.loads(capsys.readouterr().err)["event"] == "moved it to place=3"


def test_traceback_is_one_line_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(level="info", form="json")
    try:
        int("twelve")
    except ValueError:
        log.exception("run raised job=%s", "gain")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError" in json.loads(line)["exception"]


def test_level_and_the_quiet_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(level="info", form="text")
    log.debug("too little")
    logging.getLogger("apscheduler.scheduler").info("too much")
    assert capsys.readouterr().err == ""


def test_line_names_the_request_that_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(level="info", form="text")
    with working_for("abc-1"):
        log.info("call failed path=%s", "/x")
    log.info("something else")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("call failed path=/x request=abc-1")
    assert "abc-1" not in second
    configure_log(level="info", form="json")
    with working_for("abc-1"):
        log.info("call failed path=%s", "/x")
    assert json.loads(capsys.readouterr().err)["request"] == "abc-1"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x1b[2K\r", "\u2028", "\x85", "\x00\n"])
def test_what_comes_from_outside_begins_no_line(
    capsys: pytest.CaptureFixture[str], form: str, end: str
) -> None:
    configure_log(level="info", form=form)
    log.info("call failed path=%s", f"/x{end}2026-11-23 05:00:00 info    forged")
    lines = capsys.readouterr().err.splitlines()
    assert not any(line.startswith(("2026-11-23 05", "\x1b", "\x00")) for line in lines)
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("form", ["text", "json"])
def test_access_keys_are_never_shown(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_log(level="info", form=form)
    key = new_secret()
    log.info("call failed path=%s", f"/x?key={key}")
    log.info("it was " + key)  # noqa: G003 - somebody may
    told = capsys.readouterr().err
    assert key not in told
    assert told.count("larder_[hidden]") >= 2
