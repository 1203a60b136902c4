"""A job's page: its contract, its cells, when it ran and will."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from api.web.examples import Example, examples, first_arguments
from api.web.heat_map import HeatMap, heat_map
from api.web.overview import JobLine, job_line
from jobs.argument import NO_DEFAULT, ArgumentSpec
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.r_values import plain_values
from jobs.records import JobVersion, Run, ScheduleRow
from jobs.repository import Catalog
from jobs.table import Selection

ROWS_AT_ONCE = 50
RUNS_AT_ONCE = 20


@dataclass(frozen=True)
class Field:
    """One argument, as the contract shows it and the form asks for it."""

    name: str
    type: str
    values: tuple[str, ...]
    range: str
    default: str
    unit: str
    description: str
    required: bool
    given: str


@dataclass(frozen=True)
class TablePage:
    """Some rows of the job's answers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[Any, ...], str], ...]
    number: int
    has_more: bool


@dataclass(frozen=True)
class JobPage:
    """Everything about one job."""

    line: JobLine
    fields: tuple[Field, ...]
    examples: tuple[Example, ...]
    heat_map: HeatMap | None
    runs: tuple[Run, ...]
    schedules: tuple[ScheduleRow, ...]
    versions: tuple[tuple[JobVersion, tuple[str, ...]], ...]


def job_page(
    job: Job, pantry: Pantry, catalog: Catalog, asked: Mapping[str, str], base_url: str
) -> JobPage:
    """Looks at one job; asks no R.

    Args:
        job: The job.
        pantry: What is stored.
        catalog: What was run.
        asked: The query: how the heat map is to be laid out.
        base_url: How the reader reached this server.

    Raises:
        CacheError, CatalogError: What is stored cannot be read.
    """
    first = first_arguments(job, pantry)
    return JobPage(
        line=job_line(job, pantry, catalog),
        fields=tuple(fields(job, first)),
        examples=tuple(examples(job, first, base_url)),
        heat_map=heat_map(job, pantry, asked),
        runs=tuple(catalog.runs(job=job.name, limit=RUNS_AT_ONCE)),
        schedules=tuple(catalog.schedules(job.name)),
        versions=tuple(_versions(catalog.versions(job.name))),
    )


def table_page(job: Job, pantry: Pantry, asked: Mapping[str, str]) -> TablePage:
    """Returns a page of the job's answers, sorted and filtered as a query asks.

    Raises:
        ColumnUnknown: It names a column that there is none of.
    """
    number = max(1, int(text)) if (text := asked.get("page", "1")).isdecimal() else 1
    where = {
        name.removeprefix("where."): value
        for name, value in asked.items()
        if name.startswith("where.") and value
    }
    wanted = Selection(
        where=where or None,
        order_by=asked.get("order_by") or None,
        descending=asked.get("descending") == "true",
        limit=ROWS_AT_ONCE + 1,
        offset=(number - 1) * ROWS_AT_ONCE,
    )
    table = pantry.table(job, wanted)
    rows = list(islice(table.rows, ROWS_AT_ONCE + 1))
    names = [job.rows.key] if job.rows is not None else [spec.name for spec in job.arguments]
    shown = tuple((row, _query(table.columns, row, names)) for row in rows[:ROWS_AT_ONCE])
    return TablePage(table.columns, shown, number, len(rows) > ROWS_AT_ONCE)


def fields(job: Job, given: Mapping[str, str]) -> Iterator[Field]:
    """Yields what the job may be asked; `given` are the values that stand in the form."""
    if job.rows is not None:
        key = job.rows.key
        text = "Key of the row"
        yield Field(key, "any", (), "", "", "", text, required=True, given=given.get(key, ""))
        return
    for spec in job.arguments:
        yield _field(spec, given.get(spec.name))


def _field(spec: ArgumentSpec, given: str | None) -> Field:
    default = "" if spec.default is NO_DEFAULT else _text(spec.default)
    return Field(
        spec.name,
        spec.type,
        tuple(_text(value) for value in spec.values or ()),
        _range(spec.min, spec.max),
        default,
        spec.unit,
        spec.description,
        spec.required,
        default if given is None else given,
    )


def _text(value: Any) -> str:
    plain = plain_values({"value": value})["value"]
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)


def _range(least: float | None, most: float | None) -> str:
    if least is None and most is None:
        return ""
    if most is None:
        return f"from {least:g}"
    return f"up to {most:g}" if least is None else f"{least:g} to {most:g}"


def _query(columns: tuple[str, ...], row: tuple[Any, ...], names: list[str]) -> str:
    """The arguments of a row of the table, as the page of its cell is asked for."""
    found = dict(zip(columns, row, strict=True))
    return urlencode({name: _text(found[name]) for name in names if found.get(name) is not None})


def _versions(known: list[JobVersion]) -> Iterator[tuple[JobVersion, tuple[str, ...]]]:
    """Yields each version with what made it another than the one before, the newest first."""
    newest_first = sorted(known, key=lambda one: one.since, reverse=True)
    for newer, older in zip(newest_first, [*newest_first[1:], None], strict=True):
        yield newer, () if older is None else older.differences(newer.definition)
