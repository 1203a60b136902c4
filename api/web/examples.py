"""Example calls of a job in the languages of those who use it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from jobs.job import Job
from jobs.pantry import Pantry
from jobs.r_values import plain_values


@dataclass(frozen=True)
class Example:
    """A call to copy."""

    language: str
    text: str


def examples(job: Job, arguments: Mapping[str, str], base_url: str) -> Sequence[Example]:
    """Returns the same question in each language; `base_url` is how the reader reached us."""
    query = urlencode(arguments)
    url = f"{base_url}/v1/results/{job.name}" + (f"?{query}" if query else "")
    table = f"{base_url}/v1/results/{job.name}/table.csv"
    given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in arguments.items())
    in_python = json.dumps(dict(arguments))
    return (
        Example("curl", f"curl '{url}'"),
        Example("R", _r(base_url, job.name, given)),
        Example("Python", _python(base_url, job.name, in_python)),
        Example("JavaScript", f'const answer = await (await fetch("{url}")).json();'),
        Example("Excel", f'=WEBSERVICE("{url}&format=csv")' if query else f'=WEBSERVICE("{url}")'),
        Example("Power Query", f'Csv.Document(Web.Contents("{table}"), [Encoding = 65001])'),
    )


def first_arguments(job: Job, pantry: Pantry) -> dict[str, str]:
    """Returns arguments that there is an answer for, as a query has them, where that is easy."""
    if job.rows is not None:
        _, rows = pantry.row_answers.table(job).page(columns=[], limit=1)
        first = next(iter(rows), None)
        return {} if first is None else {job.rows.key: str(first[0])}
    cell = next(job.cells(), None)
    if cell is None:
        return {}
    given = {name: value for name, value in cell.arguments.items() if name not in job.defaults()}
    return {name: _text(value) for name, value in plain_values(given or cell.arguments).items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _r(base_url: str, name: str, given: str) -> str:
    return (
        f'url <- httr::modify_url("{base_url}/v1/results/{name}", query = list({given}))\n'
        "answer <- jsonlite::fromJSON(url)"
    )


def _python(base_url: str, name: str, given: str) -> str:
    return (
        "import requests\n"
        f'answer = requests.get("{base_url}/v1/results/{name}", params={given}).json()'
    )
