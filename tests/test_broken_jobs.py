"""Broken job files: every mistake is told in one pass, with its place and what to write instead.

Each file `tests/broken_jobs/NAME.yaml`, or folder `NAME/` where it takes several, is a case, and
`NAME.txt` beside it is what `larder check` has to say, to the letter.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from broken import ASKS_R, FOLDER, expected, names_in, project_of

from larder.inspection import inspect_project

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LARDER_PORT", "PORT", "CLINIC_NOT_SET"):
        monkeypatch.delenv(name, raising=False)


def checked(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What `larder check` prints, and its exit status."""
    command = [sys.executable, "-m", "larder", "check", str(folder), *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", names_in(FOLDER))
def test_every_mistake_is_told_at_its_place_with_a_hint(tmp_path: Path, name: str) -> None:
    folder = project_of(FOLDER / name, tmp_path)
    problems = inspect_project(folder, with_r=False).problems
    assert [str(problem) for problem in problems] == expected(name)


def test_each_file_is_a_case() -> None:
    beside = {path.stem for path in FOLDER.iterdir() if path.suffix != ".txt"}
    assert beside - {"project", "ask_r"} == set(names_in(FOLDER))
    assert {path.stem for path in ASKS_R.glob("*.yaml")} == set(names_in(ASKS_R))
    assert len(names_in(FOLDER)) >= 60


@pytest.mark.parametrize("name", ["everything_at_once", "files_several", "yaml_latin1"])
def test_the_command_says_the_same_and_ends_with_1(tmp_path: Path, name: str) -> None:
    said = checked(project_of(FOLDER / name, tmp_path), "--no-r")
    *lines, summary = said.stdout.splitlines()
    assert (lines, said.returncode, said.stderr) == (expected(name), 1, "")
    assert summary.startswith(f"{len(lines)} problem")


@pytest.mark.parametrize("name", ["everything_at_once", "yaml_nul"])
def test_programs_get_the_same_facts_apart(tmp_path: Path, name: str) -> None:
    said = checked(project_of(FOLDER / name, tmp_path), "--no-r", "--json")
    assert (said.returncode, said.stderr) == (1, "")
    problems = json.loads(said.stdout)["problems"]
    places = [f"{one['file']}:{one['line']}:{one['column']}: " for one in problems]
    assert [line.startswith(place) for line, place in zip(expected(name), places, strict=True)]
    assert all(one["severity"] == "error" and one["message"] for one in problems)


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    said = checked(project_of(FOLDER / "env_not_set", tmp_path), "--no-r")
    *lines, summary = said.stdout.splitlines()
    assert (lines, said.returncode) == (expected("env_not_set"), 0)
    assert summary.startswith("no problems in")


@pytest.fixture(scope="module")
def asked_r(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is said about all files whose mistakes only R finds, R asked once."""
    folder = project_of(ASKS_R, tmp_path_factory.mktemp("ask_r") / "clinic")
    (folder / "jobs").mkdir()
    for file in ASKS_R.glob("*.yaml"):
        (folder / file.name).rename(folder / "jobs" / file.name)
    return [str(problem) for problem in inspect_project(folder, with_r=True).problems]


@pytest.mark.r
@pytest.mark.parametrize("name", names_in(ASKS_R))
def test_what_only_r_can_know_is_told_at_its_place(asked_r: list[str], name: str) -> None:
    about = [line for line in asked_r if line.startswith(f"jobs/{name}.yaml:")]
    assert about == expected(name, ASKS_R)
