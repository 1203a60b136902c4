"""GET /v1/results/{job}/table: all answers of a job, streamed as JSON, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import orjson

from api.errors import BadRequest
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.table import Selection, Table

ROWS_AT_ONCE = 250
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
}
OPTIONS = ("columns", "order_by", "descending", "limit", "offset", "format")


def read_selection(pairs: list[tuple[str, str]], as_of: datetime | None = None) -> Selection:
    """Returns what part of the table a query asks for; any other name is a column to match.

    Raises:
        BadRequest: a number is none.
    """
    options = {name: value for name, value in pairs if name in OPTIONS}
    where: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in OPTIONS:
            where.setdefault(name, []).append(value)
    limit = options.get("limit")
    return Selection(
        columns=options["columns"].split(",") if options.get("columns") else None,
        where=where or None,
        order_by=options.get("order_by"),
        descending=options.get("descending", "").lower() in ("true", "1", "yes"),
        limit=None if limit is None else _number("limit", limit),
        offset=_number("offset", options.get("offset", "0")),
        as_of=as_of,
    )


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise BadRequest(f"{name} is a whole number from 0 on, not {text!r}")
    return int(text)


def read_format(name: str, pairs: list[tuple[str, str]], accept: str) -> str:
    """Returns the format: the ending of the path, else `?format=`, else what Accept prefers.

    Raises:
        BadRequest: another format.
    """
    asked = name or dict(pairs).get("format", "")
    if not asked:
        preferred = accept.partition(",")[0].partition(";")[0].strip()
        types = {kind.partition(";")[0]: name for name, kind in MEDIA_TYPES.items()}
        asked = types.get(preferred, "json")
    if asked not in MEDIA_TYPES:
        raise BadRequest(f"a table comes as {', '.join(MEDIA_TYPES)}, not {asked!r}")
    return asked


def stream_table(
    pantry: Pantry, job: Job, selection: Selection, format_name: str
) -> Iterator[bytes]:
    """Yields the table in pieces. Errors of the selection are raised at once, not in the stream."""
    table = pantry.table(job, selection)
    return _FORMS[format_name](table)


def _json(table: Table) -> Iterator[bytes]:
    separator = b"[\n"
    for rows in _objects(table):
        yield separator + b",\n".join(rows)
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def _ndjson(table: Table) -> Iterator[bytes]:
    for rows in _objects(table):
        yield b"\n".join(rows) + b"\n"


def _objects(table: Table) -> Iterator[list[bytes]]:
    while block := list(islice(table.rows, ROWS_AT_ONCE)):
        yield [orjson.dumps(dict(zip(table.columns, row, strict=True))) for row in block]


def _csv(table: Table) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    while block := list(islice(table.rows, ROWS_AT_ONCE)):
        writer.writerows(block)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


_FORMS = {"json": _json, "csv": _csv, "ndjson": _ndjson}
