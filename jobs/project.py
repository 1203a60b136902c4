"""Project: a folder's jobs, read and checked without asking R."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.after import after_problems
from jobs.compile_job import compile_job
from jobs.definition import JobEntry, JobFile
from jobs.errors import JobNotFound, ProjectInvalid
from jobs.job import Job
from jobs.nearest import nearest
from jobs.problem import KeyPath, Problem
from jobs.surroundings import Surroundings
from jobs.validation import validate
from jobs.yaml_source import YamlDocument, read_yaml, read_yaml_file

SETTINGS_FILE = "larder.yaml"
BASE_PACKAGES = frozenset(
    {
        "base",
        "compiler",
        "datasets",
        "graphics",
        "grDevices",
        "grid",
        "methods",
        "parallel",
        "splines",
        "stats",
        "stats4",
        "tcltk",
        "tools",
        "utils",
    }
)
"""R's own packages; a project of such a name would hide one."""
_PACKAGE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*[A-Za-z0-9]")


@dataclass(frozen=True)
class Project:
    """A Larder project.

    Attributes:
        name: Its name, which is also that of the R package its models appear as.
        folder: Its folder.
        jobs: Its jobs by name.
    """

    name: str
    folder: Path
    jobs: Mapping[str, Job]

    def job(self, name: str) -> Job:
        """The job called `name`.

        Raises:
            JobNotFound: If there is none.
        """
        if name not in self.jobs:
            raise JobNotFound(name, nearest(name, self.jobs))
        return self.jobs[name]


@dataclass(frozen=True)
class Reading:
    """A project as far as it is right, and everything that is wrong with it."""

    project: Project
    problems: tuple[Problem, ...]


def load_project(folder: Path, *, name: str = "", timezone: str = "UTC") -> Project:
    """The project in `folder`.

    Args:
        folder: The project's folder.
        name: Its name; by default what larder.yaml says, else the folder's name.
        timezone: Zone of schedules that name none.

    Raises:
        ProjectInvalid: With every problem of every file.
    """
    reading = read_project(folder, name=name, timezone=timezone)
    if reading.problems:
        raise ProjectInvalid(reading.problems)
    return reading.project


def read_project(
    folder: Path,
    *,
    name: str = "",
    timezone: str = "UTC",
    texts: Mapping[str, str] | None = None,
) -> Reading:
    """The jobs that are right, and all problems; see `load_project` for the other arguments.

    `texts` are job files by name ("jobs/scores.yaml") that count instead of those there are.
    """
    folder = folder.resolve()
    name = name or project_name(folder)
    if not folder.is_dir():
        missing = Problem(str(folder), 0, 0, "there is no such folder")
        return Reading(Project(name, folder, {}), (missing,))
    reader = _ProjectReader(Surroundings(name, folder, timezone))
    if texts is None:
        for path in job_files(folder):
            file = file_name(path, folder)
            reader.read(file, *read_yaml_file(path, file))
    else:
        for file, text in texts.items():
            reader.read(file, *read_yaml(text.encode(), file))
    reader.check_order()
    problems = tuple(sorted(set(reader.problems)))
    return Reading(Project(name, folder, reader.jobs), problems)


def job_files(folder: Path) -> list[Path]:
    """The files that define jobs, in the order of their names."""
    found = (path for path in (folder / "jobs").glob("*.y*ml") if path.suffix in (".yaml", ".yml"))
    return sorted(path for path in found if not path.name.startswith("."))


def file_name(path: Path, folder: Path) -> str:
    """What messages call a file of the project: "jobs/scores.yaml"."""
    return path.relative_to(folder).as_posix()


def project_name(folder: Path) -> str:
    """What larder.yaml says under `name`, else the folder's name made an R package name."""
    if (folder / SETTINGS_FILE).is_file():
        document, _ = read_yaml_file(folder / SETTINGS_FILE, SETTINGS_FILE)
        named = document.value.get("name") if document and isinstance(document.value, dict) else ""
        if isinstance(named, str) and is_package_name(named) and named not in BASE_PACKAGES:
            return named
    return package_name(folder.resolve().name)


def is_package_name(text: str) -> bool:
    """Whether R takes it for the name of a package."""
    return bool(_PACKAGE_NAME.fullmatch(text))


def package_name(text: str) -> str:
    """The nearest text that R takes for the name of a package."""
    name = re.sub(r"[^A-Za-z0-9]+", ".", text).strip(".")
    if not name or not name[0].isalpha():
        name = f"p{name}"
    if name in BASE_PACKAGES:
        name = f"{name}.project"
    return name if is_package_name(name) else "project"


class _ProjectReader:
    """Reads one file after another and remembers which job stands where."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.jobs: dict[str, Job] = {}
        self.problems: list[Problem] = []
        self._places: dict[str, Problem] = {}

    def read(self, file: str, document: YamlDocument | None, problems: Iterable[Problem]) -> None:
        self.problems += problems
        if document is None:
            return
        if document.value is None:
            hint = "remove it, or begin with `jobs:`"
            self.problems.append(Problem(file, 0, 0, "the file is empty", hint))
            return
        self.problems += self._jobs_of(document)

    def check_order(self) -> None:
        """Takes out the jobs that cannot run after those they name."""
        for problem, concerned in after_problems(self.jobs, self._places).items():
            self.problems.append(problem)
            for name in concerned:
                self.jobs.pop(name, None)

    def _jobs_of(self, document: YamlDocument) -> list[Problem]:
        written = document.value.get("jobs") if isinstance(document.value, dict) else None
        for name in written if isinstance(written, dict) else ():
            self._check_unique(name, document.problem(("jobs", name), "", on_key=True))
        checked = validate(document, JobFile)
        for name, entry in (checked.model.jobs if checked.model else {}).items():
            job = compile_job(checked, name, entry or JobEntry(), self.around)
            if job is not None and not _is_faulty(checked.faulty, name):
                self.jobs.setdefault(name, job)
        return checked.problems

    def _check_unique(self, name: str, here: Problem) -> None:
        first = self._places.setdefault(name, here)
        if first is not here:
            message = f"the job '{name}' is also defined at {first.file}:{first.line}"
            self.problems.append(
                Problem(here.file, here.line, here.column, message, "rename one of them")
            )


def _is_faulty(faulty: Iterable[KeyPath], job: str) -> bool:
    """Whether a problem lies in the job, or in what all jobs of its file share."""
    return any(path[:2] == ("jobs", job) or path[:1] != ("jobs",) for path in faulty)
