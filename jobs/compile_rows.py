"""A rows entry to `Rows`, with the mistakes that only its meaning and its file show."""

from collections.abc import Sequence
from pathlib import Path

from jobs.argument import ArgumentSpec
from jobs.cells_entry import RowsEntry
from jobs.definition import JobFile
from jobs.errors import RowsUnreadable
from jobs.nearest import did_you_mean
from jobs.problem import KeyPath
from jobs.rows_source import Rows, read_header
from jobs.validation import Checked


def compile_rows(
    checked: Checked[JobFile],
    job: KeyPath,
    entry: RowsEntry,
    arguments: Sequence[ArgumentSpec],
    folder: Path,
) -> Rows:
    """The rows of the job at `job`; what is wrong with them is added to `checked`."""
    rows = Rows(folder / entry.from_.csv, entry.key, entry.pass_as, entry.batch)
    _check_file(checked, (*job, "rows"), rows, entry.from_.csv, folder)
    for spec in arguments:
        place = (*job, "args", spec.name)
        if spec.name == rows.pass_as:
            hint = "leave it out of args"
            checked.problem(place, f"'{spec.name}' gets the rows", hint, on_key=True)
        elif spec.required:
            message = f"'{spec.name}' has no default, and every row is computed with it"
            checked.problem(place, message, "give it a default", on_key=True)
    return rows


def _check_file(
    checked: Checked[JobFile], path: KeyPath, rows: Rows, written: str, folder: Path
) -> None:
    at_file = (*path, "from", "csv")
    try:
        exists = rows.csv.is_file()
        beside = [] if exists else _tables_beside(rows.csv, folder)
    except OSError:  # no path at all: a name too long, a loop of links
        exists, beside = False, []
    if not exists:
        hint = did_you_mean(written, beside, otherwise="paths are relative to the project")
        checked.problem(at_file, f"the file {written} does not exist", hint)
        return
    try:
        read_header(rows)
    except RowsUnreadable as error:
        place = (*path, "key") if error.about == "key" else at_file
        checked.problem(place, f"{written} {error.reason}", error.hint)


def _tables_beside(path: Path, folder: Path) -> list[str]:
    """The CSV files in the folder where one was looked for, as they would be written."""
    if not path.parent.is_dir() or not path.is_relative_to(folder):
        return []
    return [other.relative_to(folder).as_posix() for other in path.parent.glob("*.csv")]
