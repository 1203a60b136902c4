"""The part of checking that asks databases: do they answer, and with the column that is needed?"""

from collections.abc import Iterator

from jobs.errors import RowsUnreadable
from jobs.job import Job
from jobs.problem import KeyPath, Problem, Severity
from jobs.project import Project
from jobs.rows_source import check_key_column
from jobs.sql_query import SqlQuery


def check_sources(project: Project) -> list[Problem]:
    """What is wrong with the queries of the project's jobs; what files show is not repeated.

    That a database cannot be reached from here is a warning: the server may stand elsewhere.
    """
    return [
        problem
        for job in project.jobs.values()
        for problem in (*_check_rows(job), *_check_grid(job))
    ]


def _check_rows(job: Job) -> Iterator[Problem]:
    if job.rows is None or not isinstance(job.rows.source, SqlQuery):
        return
    try:
        check_key_column(job.rows)
    except RowsUnreadable as error:
        path = ("rows", "key") if error.about == "key" else ("rows", "from", "sql")
        yield _problem(job, path, error)


def _check_grid(job: Job) -> Iterator[Problem]:
    for axis in job.grid.axes if job.grid else ():
        if axis.source is None or not isinstance(axis.source.table, SqlQuery):
            continue
        try:
            axis.source.values()
        except RowsUnreadable as error:
            key = "column" if error.about == "key" else "sql"
            yield _problem(job, ("grid", axis.name, key), error)


def _problem(job: Job, path: KeyPath, error: RowsUnreadable) -> Problem:
    severity: Severity = "warning" if error.about == "surroundings" else "error"
    message = f"{error.source} {error.reason}"
    return job.source.problem(path, message, error.hint, severity=severity)
