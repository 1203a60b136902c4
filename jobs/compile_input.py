"""A `refresh_when` entry to an `InputSpec`, with the mistakes that only its file shows."""

from pathlib import Path

from jobs.compile_source import file_exists
from jobs.definition import JobEntry, JobFile
from jobs.input_spec import InputSpec
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
    file = written.file or ""
    file_exists(checked, (*path, "file"), file, folder)
    return InputSpec("file", file, folder)
