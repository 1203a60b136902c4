"""Logs: lines for people, JSON for programs."""

import json
import logging
from collections.abc import Iterator

import pytest

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
