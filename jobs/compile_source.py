"""A source as it is written to the table it means, with the mistakes that its file shows."""

from dataclasses import dataclass, replace
from os.path import normpath
from pathlib import Path

from jobs.argument import ArgumentSpec
from jobs.axis_source import AxisSource
from jobs.definition import JobFile
from jobs.errors import RowsUnreadable
from jobs.grid import Axis
from jobs.nearest import did_you_mean
from jobs.problem import KeyPath
from jobs.r_expression import RExpression
from jobs.source_entry import AxisFromEntry, RowsFromEntry
from jobs.sql_query import SqlQuery
from jobs.surroundings import Surroundings
from jobs.table_source import CsvFile, ParquetFile, TableSource
from jobs.validation import Checked

_EXAMPLE = "data/customers.csv"
_FOR_R = ("models", "data")
"""The project's folders that R reads."""


@dataclass(frozen=True)
class Written:
    """A table and how the job file names it.

    Attributes:
        source: The table.
        place: Where it is written.
        name: How it is written there.
        readable: Whether it can be looked at now; what else is asked by `check_sources`.
    """

    source: TableSource
    place: KeyPath
    name: str
    readable: bool


def compile_source(
    checked: Checked[JobFile],
    path: KeyPath,
    entry: RowsFromEntry | AxisFromEntry,
    around: Surroundings,
) -> Written:
    """The source at `path`; that its file is missing is added to `checked`."""
    folder = around.folder
    if entry.r is not None:
        is_vector = isinstance(entry, AxisFromEntry)
        expression = RExpression(entry.r, around.project, is_vector=is_vector)
        return Written(expression, (*path, "r"), expression.name, readable=False)
    if entry.sql is not None:
        query = SqlQuery(entry.sql.url, entry.sql.query, folder)
        return Written(query, (*path, "sql"), query.name, readable=False)
    if entry.parquet is not None:
        place = (*path, "parquet")
        there = file_exists(checked, place, entry.parquet, folder)
        return Written(ParquetFile(folder / entry.parquet), place, entry.parquet, there)
    place, csv = (*path, "csv"), entry.csv or ""
    return Written(CsvFile(folder / csv), place, csv, file_exists(checked, place, csv, folder))


def compile_axis_source(
    checked: Checked[JobFile],
    path: KeyPath,
    spec: ArgumentSpec,
    entry: AxisFromEntry,
    around: Surroundings,
) -> Axis | None:
    """The axis at `path`, with the values of its file; None if the file cannot be used."""
    written = compile_source(checked, path, entry, around)
    table = written.source
    if isinstance(table, CsvFile) and spec.type == "string" and entry.column is not None:
        table = replace(table, texts=(entry.column,))
    source = AxisSource(table, entry.column, spec)
    if isinstance(table, SqlQuery | RExpression):
        return Axis(spec.name, (), source)
    if not written.readable:
        return None
    try:
        return Axis(spec.name, source.values(), source)
    except RowsUnreadable as error:
        place = (*path, "column") if error.about == "key" else written.place
        checked.problem(place, f"{written.name} {error.reason}", error.hint)
        return None


def file_exists(checked: Checked[JobFile], place: KeyPath, written: str, folder: Path) -> bool:
    """Whether the file that is `written` is there, in the project; a problem with a hint if not."""
    path = folder / written
    try:
        if not _is_inside(path, folder):
            is_link = Path(normpath(path)).is_relative_to(folder)
            how = "is a link that leads out of" if is_link else "lies outside"
            hint = f"the file has to be in the project's folder, as {_EXAMPLE}"
            checked.problem(place, f"the file {written} {how} the project", hint)
            return False
        found, is_folder = path.is_file(), path.is_dir()
        beside = [] if found else _files_beside(path, folder)
    except (OSError, ValueError, RuntimeError):  # no path: too long, a loop of links, a NUL in it
        found, is_folder, beside = False, False, []
    if found:
        return True
    hint = did_you_mean(written, beside, otherwise="paths are relative to the project")
    message = f"the file {written} does not exist"
    if not written.strip():
        message, hint = "no file is named", f"for example: {_EXAMPLE}"
    elif is_folder:
        message, hint = f"{written} is a folder", f"name a file in it, as {_EXAMPLE}"
    checked.problem(place, message, hint)
    return False


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether the file really lies where R may read: the folder of data may itself be a link."""
    places = (folder, *(folder / name for name in _FOR_R))
    return any(path.resolve().is_relative_to(place.resolve()) for place in places)


def _files_beside(path: Path, folder: Path) -> list[str]:
    """The files in the folder where one was looked for, as they would be written."""
    if not path.parent.is_dir() or not path.is_relative_to(folder):
        return []
    return [one.relative_to(folder).as_posix() for one in path.parent.iterdir() if one.is_file()]
