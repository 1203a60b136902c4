"""The part of checking that looks around: are tables, databases and secrets there as needed?"""

from collections.abc import Iterator, Mapping

from cache.keys import Secret
from jobs.errors import RowsUnreadable, SecretMissing
from jobs.job import Job
from jobs.problem import KeyPath, Problem, Severity
from jobs.project import Project
from jobs.r_expression import AsksR, RExpression
from jobs.rows_source import check_key_column, check_keys
from jobs.secret import text_in
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
        for check in (_check_rows, _check_grid, _check_input, _check_secrets)
        for problem in check(job, r)
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


def _check_secrets(job: Job, r: AsksR | None) -> Iterator[Problem]:
    for spec in job.arguments if r is None else ():
        if isinstance(spec.default, Secret):
            try:
                text_in(spec.default.variable)
            except SecretMissing as error:
                hint = "set it where Larder is started"
                path = ("args", spec.name, "default")
                yield job.source.problem(path, str(error), hint, severity="warning")


def _problem(job: Job, path: KeyPath, error: RowsUnreadable) -> Problem:
    severity: Severity = "warning" if error.about == "surroundings" else "error"
    message = f"{error.source} {error.reason}"
    return job.source.problem(path, message, error.hint, severity=severity)
