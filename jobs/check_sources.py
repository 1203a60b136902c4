"""The part of checking that reads tables, from files, databases and R: is what is needed there?"""

from collections.abc import Iterator, Mapping

from jobs.errors import RowsUnreadable
from jobs.job import Job
from jobs.problem import KeyPath, Problem, Severity
from jobs.project import Project
from jobs.r_expression import AsksR, RExpression
from jobs.rows_source import check_key_column, check_keys
from jobs.sql_query import SqlQuery
from jobs.table_source import CsvFile, ParquetFile

_KEYS: Mapping[type, str] = {
    SqlQuery: "sql",
    RExpression: "r",
    CsvFile: "csv",
    ParquetFile: "parquet",
}


def check_sources(project: Project, r: AsksR | None = None) -> list[Problem]:
    """What is wrong with files and databases of the project's jobs or, with `r`, R expressions.

    Files are read whole here, which takes too long wherever definitions are only to be known.
    That a database cannot be reached from here is a warning: the server may stand elsewhere.

    Raises:
        EngineError: R cannot be asked at all.
    """
    return [
        problem
        for job in project.jobs.values()
        for problem in (*_check_rows(job, r), *_check_grid(job, r), *_check_input(job, r))
    ]


def _check_rows(job: Job, r: AsksR | None) -> Iterator[Problem]:
    if job.rows is None or isinstance(job.rows.source, RExpression) == (r is None):
        return
    source = job.rows.source
    try:
        if isinstance(source, CsvFile | ParquetFile):
            check_keys(job.rows)
        else:
            check_key_column(job.rows, r)
    except RowsUnreadable as error:
        path = ("rows", "key") if error.about == "key" else ("rows", "from", _KEYS[type(source)])
        yield _problem(job, path, error)


def _check_grid(job: Job, r: AsksR | None) -> Iterator[Problem]:
    kind = SqlQuery if r is None else RExpression
    for axis in job.grid.axes if job.grid else ():
        if axis.source is None or not isinstance(axis.source.table, kind):
            continue
        try:
            axis.source.values(r)
        except RowsUnreadable as error:
            key = "column" if error.about == "key" else _KEYS[kind]
            yield _problem(job, ("grid", axis.name, key), error)


def _check_input(job: Job, r: AsksR | None) -> Iterator[Problem]:
    spec = job.input
    if r is not None or spec is None or spec.kind != "sql":
        return
    try:
        SqlQuery(spec.url, spec.text, spec.folder).columns()
    except RowsUnreadable as error:
        yield _problem(job, ("refresh_when", "sql"), error)


def _problem(job: Job, path: KeyPath, error: RowsUnreadable) -> Problem:
    severity: Severity = "warning" if error.about == "surroundings" else "error"
    message = f"{error.source} {error.reason}"
    return job.source.problem(path, message, error.hint, severity=severity)
