"""The part of checking that asks databases, and R for tables: is what is needed there?"""

from collections.abc import Iterator, Mapping

from jobs.errors import RowsUnreadable
from jobs.job import Job
from jobs.problem import KeyPath, Problem, Severity
from jobs.project import Project
from jobs.r_expression import AsksR, RExpression
from jobs.rows_source import check_key_column
from jobs.sql_query import SqlQuery

_KEYS: Mapping[type, str] = {SqlQuery: "sql", RExpression: "r"}


def check_sources(project: Project, r: AsksR | None = None) -> list[Problem]:
    """What is wrong with the databases of the project's jobs or, with `r`, their R expressions.

    That a database cannot be reached from here is a warning: the server may stand elsewhere.

    Raises:
        EngineError: R cannot be asked at all.
    """
    return [
        problem
        for job in project.jobs.values()
        for problem in (*_check_rows(job, r), *_check_grid(job, r))
    ]


def _check_rows(job: Job, r: AsksR | None) -> Iterator[Problem]:
    kind = SqlQuery if r is None else RExpression
    if job.rows is None or not isinstance(job.rows.source, kind):
        return
    try:
        check_key_column(job.rows, r)
    except RowsUnreadable as error:
        path = ("rows", "key") if error.about == "key" else ("rows", "from", _KEYS[kind])
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


def _problem(job: Job, path: KeyPath, error: RowsUnreadable) -> Problem:
    severity: Severity = "warning" if error.about == "surroundings" else "error"
    message = f"{error.source} {error.reason}"
    return job.source.problem(path, message, error.hint, severity=severity)
