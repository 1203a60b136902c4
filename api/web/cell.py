"""The page of one cell or row: its answer, how old it is, what made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from api.web.job import Field, fields
from jobs.explain import Explanation, explain
from jobs.job import Job
from jobs.outputs import EXACT
from jobs.pantry import Pantry
from jobs.r_values import plain_values
from jobs.repository import Catalog

ROWS_SHOWN = 200
DRAWN = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Answer:
    """An answer as a table where it is one, else as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    text: str
    is_cut: bool


@dataclass(frozen=True)
class CellPage:
    """Everything about one cell, or row.

    Attributes:
        job: The job.
        seen: What there is for these arguments, and why.
        arguments: Them, plain.
        query: Them, as a query.
        fields: The form to ask for others.
        answer: What is stored; None where nothing is.
        has_plot: Whether a picture was prepared.
    """

    job: Job
    seen: Explanation
    arguments: Mapping[str, Any]
    query: str
    fields: tuple[Field, ...]
    answer: Answer | None
    has_plot: bool


def cell_page(
    job: Job, pantry: Pantry, catalog: Catalog, pairs: Sequence[tuple[str, str]], *, with_r: bool
) -> CellPage:
    """Looks at what is stored for arguments; `with_r` lets R look into a table of rows.

    Raises:
        CacheError, CatalogError: What is stored cannot be read.
    """
    given = [(name, value) for name, value in pairs if value != ""]
    seen = explain(pantry, catalog, job.name, given, with_r=with_r)
    entry = pantry.store.get(seen.cache_key) if seen.cache_key else None
    answer = None
    if job.rows is not None:
        row = pantry.row_answers.table(job).get(str(dict(given).get(job.rows.key, "")))
        if row is not None:
            answer = answer_of({job.rows.key: row.key, **row.values})
    elif entry is not None and (body := entry.bodies.get(EXACT)) is not None:
        answer = answer_of(orjson.loads(body.content))
    return CellPage(
        job=job,
        seen=seen,
        arguments=plain_values(seen.arguments),
        query=urlencode(given),
        fields=tuple(fields(job, dict(given))),
        answer=answer,
        has_plot=entry is not None and any(name in entry.bodies for name in DRAWN),
    )


def answer_of(value: Any) -> Answer:
    """Returns plain JSON as a table if it is one: rows of records, or one record."""
    records = value if isinstance(value, list) else [value]
    if records and all(isinstance(one, dict) for one in records):
        columns = tuple(dict.fromkeys(name for one in records for name in one))
        rows = tuple(tuple(one.get(name) for name in columns) for one in records[:ROWS_SHOWN])
        return Answer(columns, rows, "", len(records) > ROWS_SHOWN)
    if records and isinstance(value, list) and not any(isinstance(r, list | dict) for r in records):
        rows = tuple((one,) for one in records[:ROWS_SHOWN])
        return Answer(("value",), rows, "", len(records) > ROWS_SHOWN)
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return Answer((), (), text[:100_000], len(text) > 100_000)
