"""Welcome: the URLs to try first, about a job of the project that is really there."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from cache.keys import Code, Value
from jobs.job import Job
from jobs.project import Project


@dataclass(frozen=True)
class Suggestion:
    """Something to try: a URL, or a whole command."""

    what: str
    means: str


def suggestions(project: Project, base: str) -> list[Suggestion]:
    """What to try first; `base` is where the server answers."""
    jobs = list(project.jobs.values())
    tried = [Suggestion(f"{base}/v1/jobs", "the jobs, and how fresh their answers are")]
    gridded = _first_with_grid(jobs)
    if gridded is not None:
        job, query = gridded
        url = f"{base}/v1/results/{job.name}?{query}"
        tried.append(Suggestion(url, "a prepared answer"))
    for job in jobs:
        if job.rows is not None:
            url = f"{base}/v1/results/{job.name}/table?limit=10"
            tried.append(Suggestion(url, "prepared rows"))
            break
    if gridded is not None:
        job, query = gridded
        url = f"{base}/ocpu/library/{job.package}/R/{job.function}/json"
        tried.append(Suggestion(f"curl {url} -d '{_form(job)}'", "the same, as OpenCPU has it"))
    else:
        url = f"{base}/ocpu/library/stats/R/rnorm/json"
        tried.append(Suggestion(f"curl {url} -d n=3", "any R function, as OpenCPU has it"))
    return [*tried, Suggestion(f"{base}/docs", "the API, to read and to try")]


def _first_with_grid(jobs: Iterable[Job]) -> tuple[Job, str] | None:
    for job in jobs:
        cell = next(job.cells(), None)
        if cell is not None:
            return job, urlencode(_query(job, cell.arguments))
    return None


def _query(job: Job, arguments: dict[str, Value]) -> dict[str, str]:
    """The arguments as a query has them, those left out that are the default anyway."""
    defaults = job.defaults()
    return {
        name: _plain(value)
        for name, value in arguments.items()
        if not (name in defaults and defaults[name] == value)
    }


def _form(job: Job) -> str:
    """The first cell's arguments as a form that R reads; texts in R's quotes."""
    arguments = next(job.cells()).arguments
    query = _query(job, arguments)
    parts = [
        f'{name}="{text}"' if isinstance(arguments[name], str) else f"{name}={text}"
        for name, text in query.items()
    ]
    return "&".join(parts)


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Code) else str(value)
