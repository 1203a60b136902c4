"""Settings handed over, the state folder, and what a newcomer is told to try."""

import os
from pathlib import Path

import pytest
from kitchen import gain_job

from jobs.project import Project
from larder.environment import Environment
from larder.errors import ServerRunning, StateUnusable
from larder.handover import from_text, to_text
from larder.settings import load_settings
from larder.state import SERVER_LOCK, Lock, make_state_folder
from larder.welcome import suggestions


def test_settings_survive_their_way_to_another_process(tmp_path: Path) -> None:
    text = "preload: [MASS]\nsessions: {keep: 10 minutes}\nengine: {memory: 512 MB}\n"
    (tmp_path / "larder.yaml").write_text(text)
    variables = {"LARDER_PORT": "8123", "LARDER_CATALOG": "sqlite:////elsewhere/catalog.db"}
    settings = load_settings(tmp_path, environment=Environment(variables))
    assert from_text(to_text(settings)) == settings


def test_state_folder_is_private_even_if_it_was_not(tmp_path: Path) -> None:
    folder = tmp_path / ".larder"
    folder.mkdir(mode=0o755)
    make_state_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".larder").write_text("a file is in the way")
    with pytest.raises(StateUnusable, match="cannot keep state in"):
        Lock(tmp_path / ".larder", SERVER_LOCK).take()


def test_lock_is_held_by_one_and_names_it(tmp_path: Path) -> None:
    first, second = Lock(tmp_path, SERVER_LOCK), Lock(tmp_path, SERVER_LOCK)
    assert not second.is_held()
    first.take()
    assert second.is_held()
    with pytest.raises(ServerRunning) as caught:
        second.take()
    assert caught.value.pid == os.getpid()
    first.release()
    second.take()
    second.release()


def test_urls_to_try_are_about_jobs_that_are_there(tmp_path: Path) -> None:
    project = Project("scoring", tmp_path, {"weight_gain": gain_job()})
    base = "http://127.0.0.1:8080"
    assert [one.what for one in suggestions(project, base)] == [
        f"{base}/v1/jobs",
        f"{base}/v1/results/weight_gain?treatment=CBT&prewt=70",
        f"curl {base}/ocpu/library/scoring/R/gain/json -d 'treatment=\"CBT\"&prewt=70'",
        f"{base}/docs",
    ]


def test_without_jobs_any_function_is_something_to_try(tmp_path: Path) -> None:
    what = [one.what for one in suggestions(Project("empty", tmp_path, {}), "http://h:1")]
    assert what[1] == "curl http://h:1/ocpu/library/stats/R/rnorm/json -d n=3"
