"""The command line over time: larder get --as-of, larder diff, and messages in larder status."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool
from kitchen import Kitchen
from typer.testing import CliRunner

from jobs.project import load_project
from jobs.status import Cause, MessageStatus
from larder.cli import app

YAML = """version: 1
jobs:
  gain:
    function: scoring::gain
    args: {dose: {type: number}, who: {default: all}}
    grid: {dose: [1, 2, 3]}
    notify: {on: [failed], email: team@example.com}
"""


class Project:
    """A project on disk whose runs were two days, and one day, ago."""

    def __init__(self, folder: Path) -> None:
        (folder / "jobs").mkdir()
        (folder / "jobs" / "jobs.yaml").write_text(YAML)
        (folder / "larder.yaml").write_text("name: scoring\n")
        found = load_project(folder, name="scoring", timezone="UTC")
        self.folder = folder
        self.factor = 1.0
        pool = FakePool(gain=self.gain)
        self.kitchen = Kitchen(folder / ".larder", *found.jobs.values(), pool=pool)
        self.first = datetime.now(UTC) - timedelta(days=2)
        self.kitchen.clock.now = self.first
        self.run()
        self.kitchen.clock.advance(days=1, minutes=1)
        self.factor = 2.0
        self.run()

    def gain(self, dose: float, who: str) -> Any:
        gain = dose * self.factor
        return [{"gain": gain, "said": "much" if gain > 3 else "little"}]

    def run(self) -> None:
        self.kitchen.runner.run(self.kitchen.pantry.jobs.job("gain"), Cause.MANUAL)

    def larder(self, *words: str) -> Any:
        return CliRunner().invoke(app, [*words, "--project", str(self.folder)])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    opened = Project(tmp_path_factory.mktemp("project"))
    yield opened
    opened.kitchen.close()


def test_get_answers_as_of_a_moment(project: Project) -> None:
    moment = (project.first + timedelta(hours=1)).isoformat()
    then = project.larder("get", "gain", "dose=2", "--as-of", moment)
    assert then.exit_code == 0
    assert json.loads(then.stdout) == [{"gain": 2.0, "said": "little"}]
    assert "as of then: computed" in then.stderr
    early = project.larder("get", "gain", "dose=2", "--as-of", "2020-01-01")
    assert early.exit_code == 1
    assert "gain has no answer of 2020-01-01T23:59:59.999999Z: the earliest" in early.stderr
    unkept = project.larder("get", "gain", "dose=2", "--as-of", moment, "--format", "csv")
    assert (unkept.exit_code, "was not kept in this form" in unkept.stderr) == (1, True)


def test_diff_shows_the_largest_changes_first(project: Project) -> None:
    shown = project.larder("diff", "gain", "--limit", "2")
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert shown.stdout.startswith("gain: run 1 (")
    assert lines[1] == ["3", "changed,", "0", "appeared,", "0", "disappeared,", "0", "the", "same"]
    assert lines[3] == ["dose=3", "who=all", "gain", "3", "6", "+3", "+100.0%"]
    assert lines[4] == ["said", "little", "much"]
    assert lines[-1] == ["and", "1", "change", "more:", "see", "--limit"]


def test_diff_tells_programs_and_ends_as_asked(project: Project) -> None:
    told = project.larder("diff", "gain", "1", "2", "--json", "--exit-code")
    assert told.exit_code == 1
    document = json.loads(told.stdout)
    assert (document["from"]["run"], document["changed"], document["same"]) == (1, 3, 0)
    same = project.larder("diff", "gain", "2", "--exit-code")
    assert (same.exit_code, "3 the same" in same.stdout) == (0, True)
    for words in (["1", "2", "3"], ["2", "1"], ["soon"], ["7"]):
        assert project.larder("diff", "gain", *words).exit_code in (1, 2)


def test_status_shows_messages_that_did_not_arrive(project: Project) -> None:
    project.kitchen.clock.advance(days=1, minutes=1)
    catalog = project.kitchen.catalog
    run = catalog.start_run("gain", Cause.MANUAL, version="")
    assert catalog.notice_run(run.id, {"email": {"project": "scoring", "summary": "gain: failed"}})
    (message,) = catalog.messages()
    catalog.message_tried(
        message.id,
        MessageStatus.WAITING,
        error="larder.yaml names no mail server",
        next_try=project.kitchen.clock(),
    )
    catalog.finish_run(run.id, run.status)
    shown = CliRunner().invoke(app, ["status", str(project.folder)]).stdout
    assert "gain: a message by email was not delivered: larder.yaml names no mail server" in shown
    told = CliRunner().invoke(app, ["status", str(project.folder), "--json"]).stdout
    (undelivered,) = json.loads(told)["undelivered"]
    assert (undelivered["channel"], undelivered["attempts"]) == ("email", 1)
