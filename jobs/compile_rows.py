"""A rows entry to `Rows`, with the mistakes that only its meaning and its file show."""

from collections.abc import Sequence

from jobs.argument import ArgumentSpec
from jobs.cells_entry import RowsEntry
from jobs.compile_source import Written, compile_source
from jobs.definition import JobFile
from jobs.errors import RowsUnreadable
from jobs.problem import KeyPath
from jobs.rows_source import Rows, check_key_column
from jobs.surroundings import Surroundings
from jobs.validation import Checked


def compile_rows(
    checked: Checked[JobFile],
    job: KeyPath,
    entry: RowsEntry,
    arguments: Sequence[ArgumentSpec],
    around: Surroundings,
) -> Rows:
    """The rows of the job at `job`; what is wrong with them is added to `checked`."""
    path = (*job, "rows")
    written = compile_source(checked, (*path, "from"), entry.from_, around)
    rows = Rows(written.source, entry.key, entry.pass_as, entry.batch)
    if written.readable:
        _check_key(checked, path, rows, written)
    for spec in arguments:
        place = (*job, "args", spec.name)
        if spec.name == rows.pass_as:
            hint = "leave it out of args"
            checked.problem(place, f"'{spec.name}' gets the rows", hint, on_key=True)
        elif spec.required:
            message = f"'{spec.name}' has no default, and every row is computed with it"
            checked.problem(place, message, "give it a default", on_key=True)
    return rows


def _check_key(checked: Checked[JobFile], path: KeyPath, rows: Rows, written: Written) -> None:
    try:
        check_key_column(rows)
    except RowsUnreadable as error:
        place = (*path, "key") if error.about == "key" else written.place
        checked.problem(place, f"{written.name} {error.reason}", error.hint)
