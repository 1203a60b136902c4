"""A `refresh_when` entry to an `InputSpec`, with the mistakes that only its file shows."""

from pathlib import Path

from jobs.definition import JobEntry, JobFile
from jobs.input_spec import InputSpec
from jobs.nearest import did_you_mean
from jobs.problem import KeyPath
from jobs.validation import Checked


def compile_input(
    checked: Checked[JobFile], job: KeyPath, entry: JobEntry, folder: Path
) -> InputSpec | None:
    """The input of the job at `job`; what is wrong with it is added to `checked`."""
    written = entry.refresh_when
    if written is None:
        return None
    path = (*job, "refresh_when")
    if entry.rows is not None:
        hint = "leave it out: a run compares each row with its source anyway"
        checked.problem(
            path, "'refresh_when' is for grids, and this job has rows", hint, on_key=True
        )
    if written.r is not None:
        return InputSpec("r", written.r, folder)
    if written.sql is not None:
        return InputSpec("sql", written.sql.query, folder, url=written.sql.url)
    spec = InputSpec("file", written.file or "", folder)
    try:
        exists = spec.path.is_file()
        beside = [] if exists else _files_beside(spec.path, folder)
    except (OSError, ValueError):  # no path at all: too long, or with a NUL in it
        exists, beside = False, []
    if not exists:
        hint = did_you_mean(spec.text, beside, otherwise="paths are relative to the project")
        checked.problem((*path, "file"), f"the file {spec.text} does not exist", hint)
    return spec


def _files_beside(path: Path, folder: Path) -> list[str]:
    """The files in the folder where one was looked for, as they would be written."""
    if not path.parent.is_dir() or not path.is_relative_to(folder):
        return []
    return [one.relative_to(folder).as_posix() for one in path.parent.iterdir() if one.is_file()]
