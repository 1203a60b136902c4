"""The documentation tells the truth: its job files load, its commands run, its links lead there."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving import EXAMPLE, ROOT, Server, copy_example
from typer.testing import CliRunner

from api.v1 import router
from engine.launch import KEPT_VARIABLES, R_ENVIRONMENT
from jobs.definition import schema
from jobs.project import load_project
from larder.cli import COMMANDS, app
from larder.exits import Exit
from larder.settings import load_settings, settings_table

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("README.md")])
BLOCK = re.compile(
    r"^(?:<!-- project: (?P<project>\w+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
STAY = {"serve", "engine", "scheduler", "api"}
"""Commands that run until they are stopped: of these only the options are tried."""
MISTAKES = {
    "unit: lb": "units: lb",
    "from: 70": "from: 55",
    "fresh_for: 23 hours": "fresh_for: 23 huors",
    "0 5 * * MON-FRI": "0 25 * * MON-FRI",
}
"""What the page for analysts says is wrong in the file that it checks."""


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str
    project: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    words: list[str]
    output: str
    status: int


def blocks(kind: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text()
        for match in BLOCK.finditer(text):
            if match["kind"] == kind:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Block(page.name, line, kind, match["text"], match["project"] or ""))
    return found


def commands(block: Block) -> Iterator[Command]:
    """The `larder` commands of a block; `$ echo $?` behind one says with which status it ends."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    for number, part in enumerate(parts):
        line, _, output = part.partition("\n")
        following = parts[number + 1] if number + 1 < len(parts) else ""
        status = int(following.split()[-1]) if following.startswith("echo $?") else 0
        words = shlex.split(re.split(r" [|>] ", line)[0], comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words and words[0] == "larder":
            yield Command(words[1:], output, status)


def block_of(page: str, kind: str, beginning: str) -> str:
    return next(
        block.text for block in blocks(kind) if block.page == page and beginning in block.text
    )


YAML = blocks("yaml")
JOB_FILES = [block for block in YAML if re.search(r"^jobs:", block.text, re.MULTILINE)]
SETTINGS_FILES = [block for block in YAML if block not in JOB_FILES]
CONSOLES = [block for block in blocks("console") if any(commands(block))]


def clinic(folder: Path) -> Path:
    """The first project of the page for analysts, made of its blocks."""
    project = folder / "clinic"
    for name in ("jobs", "models"):
        (project / name).mkdir(parents=True)
    (project / "larder.yaml").write_text("name: clinic\n")
    (project / "models" / "dose.R").write_text(block_of("analyst.md", "r", "dose <- function"))
    (project / "jobs" / "dose.yaml").write_text(block_of("analyst.md", "yaml", "clinic::dose"))
    return project


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The projects that commands are tried in; one is served, and its schedules do not fire."""
    folder = tmp_path_factory.mktemp("docs")
    scoring = copy_example(folder)
    (scoring / "larder.yaml").write_text("name: scoring\nschedule: {enabled: false}\n")
    mistakes = folder / "mistakes"
    shutil.copytree(EXAMPLE, mistakes, ignore=shutil.ignore_patterns(".larder"))
    for right, wrong in MISTAKES.items():
        job = mistakes / "jobs" / "weight_gain.yaml"
        assert right in job.read_text()
        job.write_text(job.read_text().replace(right, wrong))
    with Server(scoring, workers=1):
        yield {"scoring": scoring, "mistakes": mistakes, "clinic": clinic(folder)}


@pytest.mark.parametrize("block", JOB_FILES, ids=str)
def test_job_file_is_valid(block: Block, tmp_path: Path) -> None:
    project = copy_example(tmp_path)
    shutil.rmtree(project / "jobs")
    (project / "jobs").mkdir()
    (project / "jobs" / "shown.yaml").write_text(block.text)
    assert load_project(project).jobs


@pytest.mark.parametrize("block", SETTINGS_FILES, ids=str)
def test_settings_file_is_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "larder.yaml").write_text(block.text)
    assert load_settings(tmp_path).name


@pytest.mark.server
@pytest.mark.parametrize("block", CONSOLES, ids=str)
def test_commands_end_as_shown(
    block: Block, projects: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    project = projects[block.project or "scoring"]
    monkeypatch.chdir(project)
    for command in commands(block):
        words = [str(project) if word == "examples/scoring" else word for word in command.words]
        asked = words[0] in STAY
        result = CliRunner().invoke(app, [*words, "--help"] if asked else words)
        assert result.exit_code == command.status, f"larder {words}\n{result.output}"
        if block.project == "mistakes":
            assert result.output == command.output


def test_settings_table_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| `(LARDER_\w+)` \|(.*)\|$", page("operator"), re.MULTILINE)
    shown = [
        (name, variable, *(cell.strip() for cell in rest.split("|")))
        for name, variable, rest in rows
    ]
    assert shown == [
        (row.name, row.variable, row.default, row.unit, row.text) for row in settings_table()
    ]


def test_every_key_of_the_job_language_is_described() -> None:
    keys = {
        key
        for entry in [schema(), *schema()["$defs"].values()]
        for key in entry.get("properties", {})
    }
    told = " ".join(re.findall(r"`[^`\n]+`", page("analyst")))
    missing = {key for key in keys if not re.search(rf"\b{key}\b", told)}
    assert not missing


def test_every_path_of_v1_is_described() -> None:
    told = page("dashboard") + page("developer")
    paths = {getattr(route, "path", "").removesuffix(".{ending}") for route in router.routes}
    named = {
        path for path in paths if path in told or path.format(job="weight_gain", run_id=1) in told
    }
    assert named == paths


def test_every_variable_that_r_sees_is_named() -> None:
    told = page("security")
    assert not {name for name in (*KEPT_VARIABLES, *R_ENVIRONMENT) if f"`{name}`" not in told}


def test_every_command_and_exit_status_is_named() -> None:
    told = page("operator") + page("analyst")
    assert not {name for name in COMMANDS if f"larder {name}" not in told}
    assert not {status for status in Exit if f"| {status.value} |" not in page("operator")}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = [target for target in LINK.findall(prose) if not re.match(r"\w+:|#", target)]
    missing = [one for one in targets if not (path.parent / one.partition("#")[0]).exists()]
    assert not missing


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()
