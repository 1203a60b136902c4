"""Inspection: everything that is wrong with a project, found in one pass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.allow_list import opened_by
from cache.sessions import SessionFolder
from engine.errors import EngineError, TemplateFailed
from engine.pool import Pool
from jobs.check import check
from jobs.check_sources import check_sources
from jobs.job import Job
from jobs.problem import Problem
from jobs.project import SETTINGS_FILE, Project, read_project
from jobs.r_expression import RTables
from larder.errors import EngineNotStarted, SettingsInvalid
from larder.private_engine import engine_for
from larder.settings import Settings, load_settings
from larder.state import make_state_folder
from larder.wiring import limits_of

_IN_MODELS = re.compile(r"(?P<file>models/[^:]+):(?P<line>\d+)(:(?P<column>\d+))?: (?P<what>.*)")


@dataclass(frozen=True)
class Inspection:
    """What was found: the jobs that are right as far as their files show, and all problems."""

    jobs: Mapping[str, Job]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> int:
        """How many of the problems are no mere warnings."""
        return sum(problem.severity == "error" for problem in self.problems)


def inspect_project(folder: Path, *, with_r: bool, name: str = "") -> Inspection:
    """Reads settings and job files, asks the databases and, with `with_r`, R about functions.

    `name` is the project's, where it is not what its settings say.
    """
    settings, problems = _settings(folder)
    reading = (
        read_project(folder, name=name or settings.project_name, timezone=settings.timezone)
        if settings is not None
        else read_project(folder)
    )
    problems += reading.problems
    problems += check_sources(reading.project)
    if settings is not None:
        problems += _opened(settings)
    if settings is not None and settings.mail.server is None:
        problems += _unmailed(reading.project)
    if with_r and settings is not None:
        problems += _with_engine(settings, reading.project)
    return Inspection(reading.project.jobs, tuple(sorted(set(problems))))


def models_problem(reason: str) -> Problem:
    """What R said of models/*.R as a problem at its place."""
    found = _IN_MODELS.match(reason)
    if found is None:
        return Problem("models", 0, 0, f"R cannot load the models: {reason}")
    line, column = int(found["line"]), int(found["column"] or 1)
    return Problem(found["file"], line, column, found["what"])


def _settings(folder: Path) -> tuple[Settings | None, list[Problem]]:
    try:
        return load_settings(folder), []
    except SettingsInvalid as error:
        return None, list(error.problems)


def ask_r(pool: Pool, project: Project, settings: Settings) -> list[Problem]:
    """What R finds wrong with the models, the functions of the jobs and their R code.

    Raises:
        TemplateFailed: It cannot load the models.
    """
    if trouble := pool.info().get("problem"):
        return [models_problem(str(trouble))]
    r = RTables(pool, SessionFolder(settings.state_folder / "sessions"), limits_of(settings))
    functions = check(
        project,
        pool.contract,
        functions=lambda package: _names(pool, package),
        code_problems=pool.code_problems,
    )
    return functions + check_sources(project, r)


def engine_problem(error: EngineNotStarted | TemplateFailed) -> Problem:
    """Why R did not come up, as a problem at its place."""
    return models_problem(getattr(error, "reason", str(error)))


def _with_engine(settings: Settings, project: Project) -> list[Problem]:
    make_state_folder(settings.state_folder)
    try:
        with engine_for(settings, current_models=True) as pool:
            return ask_r(pool, project, settings)
    except (EngineNotStarted, TemplateFailed) as error:
        return [engine_problem(error)]


def _opened(settings: Settings) -> list[Problem]:
    """Patterns of `call` with which a plain text as argument runs whatever function it names."""
    return [
        Problem(
            SETTINGS_FILE,
            0,
            0,
            f"call: '{pattern}' lets data run code: {', '.join(found[:3])}",
            "these take the names of functions, or code, as texts: list what is needed instead",
            severity="warning",
        )
        for pattern, found in opened_by(settings.call or ())
    ]


def _unmailed(project: Project) -> list[Problem]:
    """The jobs whose messages are to be mailed, though nobody has said how."""
    message = "messages are to be mailed, but larder.yaml names no mail server"
    hint = "mail: {server: smtp.example.com}"
    return [
        job.source.problem(("notify", "email"), message, hint, severity="warning")
        for job in project.jobs.values()
        if job.notify.email
    ]


def _names(pool: Pool, package: str) -> list[str]:
    try:
        return pool.names("list_objects", package=package)
    except EngineError:  # only for a hint
        return []
