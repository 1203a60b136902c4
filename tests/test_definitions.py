"""Definitions: taken over whole, or not at all; and the watcher that says when to look."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.live_definitions import LiveDefinitions
from larder.definitions import Definitions
from larder.settings import load_settings
from larder.watcher import Watcher

GOOD = "jobs: {{{name}: {{function: stats::sd, description: {text}}}}}\n"
BAD = "jobs: {bad: {funktion: stats::sd}}\n"


def write(folder: Path, name: str, text: str) -> None:
    (folder / "jobs").mkdir(exist_ok=True)
    (folder / "jobs" / f"{name}.yaml").write_text(text)


def described(definitions: Definitions) -> dict[str, str]:
    return {name: job.description for name, job in definitions.jobs.items()}


def state_of(folder: Path) -> LiveDefinitions:
    found = LiveDefinitions.read(folder / ".larder")
    assert found is not None
    return found


@pytest.fixture
def definitions(tmp_path: Path) -> Definitions:
    write(tmp_path, "a", GOOD.format(name="a", text="first"))
    write(tmp_path, "b", GOOD.format(name="b", text="first"))
    return Definitions(load_settings(tmp_path), tell=True)


def test_changed_files_are_taken_over_together(tmp_path: Path, definitions: Definitions) -> None:
    write(tmp_path, "a", GOOD.format(name="a", text="second"))
    write(tmp_path, "c", GOOD.format(name="c", text="new"))
    assert definitions.reload()
    assert described(definitions) == {"a": "second", "b": "first", "c": "new"}


def test_nothing_is_taken_over_while_there_is_a_mistake(
    tmp_path: Path, definitions: Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "a", GOOD.format(name="a", text="second"))
    write(tmp_path, "bad", BAD)
    assert not definitions.reload()
    assert described(definitions) == {"a": "first", "b": "first"}
    assert "jobs/bad.yaml:1:14: unknown key 'funktion'" in caplog.text


def test_unchanged_jobs_are_no_news(definitions: Definitions) -> None:
    assert not definitions.reload()


def test_jobs_that_are_right_do_not_wait_for_the_others_at_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "a", GOOD.format(name="a", text="first"))
    write(tmp_path, "bad", BAD)
    with caplog.at_level(logging.ERROR):
        assert described(Definitions(load_settings(tmp_path), tell=True)) == {"a": "first"}
    assert "definition left out: jobs/bad.yaml" in caplog.text


def test_last_good_definitions_stay_over_a_restart(
    tmp_path: Path, definitions: Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    first = state_of(tmp_path)
    write(tmp_path, "a", GOOD.format(name="a", text="second"))
    write(tmp_path, "bad", BAD)
    for tell in (True, False):  # the scheduler, and a process that answers
        again = Definitions(load_settings(tmp_path), tell=tell)
        assert described(again) == described(definitions) == {"a": "first", "b": "first"}
    assert "mistake in a job file: jobs/bad.yaml" in caplog.text
    broken = state_of(tmp_path)
    assert (broken.valid, broken.live_since, broken.jobs) == (False, first.live_since, 2)
    (tmp_path / "jobs" / "bad.yaml").unlink()
    assert again.reload()
    assert described(again) == {"a": "second", "b": "first"}


class Noticed:
    """What a watcher said."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._changed = threading.Condition()

    def __call__(self, names: set[str]) -> None:
        with self._changed:
            self._names |= names
            self._changed.notify_all()

    def forget(self) -> None:
        with self._changed:
            self._names.clear()

    def wait_for(self, name: str) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: name in self._names, 20)


@pytest.fixture
def noticed(tmp_path: Path) -> Iterator[Noticed]:
    noticed = Noticed()
    watcher = Watcher(tmp_path, noticed)
    watcher.start()
    assert noticed.wait_for("jobs/")  # nothing is missed from now on
    noticed.forget()
    yield noticed
    watcher.stop()


def test_watcher_notices_settings_and_a_folder_of_jobs_that_comes_later(
    tmp_path: Path, noticed: Noticed
) -> None:
    (tmp_path / "larder.yaml").write_text("# changed\n")
    assert noticed.wait_for("larder.yaml")
    (tmp_path / "jobs").mkdir()
    assert noticed.wait_for("jobs/")  # it is watched itself from now on
    write(tmp_path, "a", "# changed\n")
    assert noticed.wait_for("a.yaml")


def test_what_came_of_each_reading_is_written_down(
    tmp_path: Path, definitions: Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    first = state_of(tmp_path)
    assert (first.valid, first.jobs, first.live_since) == (True, 2, first.read_at)
    write(tmp_path, "bad", BAD)
    definitions.reload()
    broken = state_of(tmp_path)
    assert [str(problem).partition(" (")[0] for problem in broken.problems] == [
        "jobs/bad.yaml:1:14: unknown key 'funktion'"
    ]
    assert (broken.live_since, broken.jobs) == (first.live_since, 2)
    assert broken.read_at > first.read_at
    (tmp_path / "jobs" / "bad.yaml").unlink()
    with caplog.at_level(logging.INFO):
        assert not definitions.reload()
    assert "mistakes in the job files mended problems=1" in caplog.text
    assert (state_of(tmp_path).valid, state_of(tmp_path).live_since) == (True, first.live_since)


def test_definitions_that_were_never_whole_are_live_since_no_moment(tmp_path: Path) -> None:
    write(tmp_path, "a", GOOD.format(name="a", text="first"))
    write(tmp_path, "bad", BAD)
    definitions = Definitions(load_settings(tmp_path), tell=True)
    assert (state_of(tmp_path).live_since, state_of(tmp_path).jobs) == (None, 1)
    (tmp_path / "jobs" / "bad.yaml").unlink()
    assert not definitions.reload()  # the same jobs, but now all of them
    assert state_of(tmp_path).live_since is not None


def test_only_one_process_writes_it_down(tmp_path: Path) -> None:
    write(tmp_path, "a", GOOD.format(name="a", text="first"))
    Definitions(load_settings(tmp_path))
    assert LiveDefinitions.read(tmp_path / ".larder") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"read_at": 5}', '{"problems": [{}]}'])
def test_what_is_no_state_of_definitions_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "definitions.json").write_text(text)
    assert LiveDefinitions.read(tmp_path) is None
