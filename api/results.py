"""GET /v1/results/{job}: one prepared answer, of a cell or of a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from api.api_error import NotFound
from api.as_of import take_moment
from api.caching import Directives, answer_headers, body_reply
from api.obtain import Ready, obtain, obtain_row, ready, row_ready
from api.promise import Promise
from api.reply import Reply
from cache.body import Body
from cache.entry import Entry
from cache.tables import RowAnswer
from engine.call import Output
from engine.evaluation import Headers
from engine.pool import Pool
from jobs.call import Call, call_of_query
from jobs.job import Job
from jobs.kept_value import render_kept
from jobs.outputs import can_be_made
from jobs.pantry import Pantry
from jobs.resolution import Resolution
from jobs.row_resolution import RowResolution

LABELS = {"json": "exact"}
"""Names of bodies where /v1 and OpenCPU differ: JSON here has every digit."""
MEDIA_TYPES = {
    "text/csv": "csv",
    "image/png": "png",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
}
FORMATS = ("json", "csv", "png", "svg", "pdf", "tab", "ndjson", "rds", "rda", "pb", "md", "print")
ROW_FORMATS = ("json", "csv")


@dataclass(frozen=True)
class ResultQuery:
    """What is asked: a job's answer to arguments, in a format, now or as it was."""

    job: Job
    format: str
    call: Call
    row_key: str = ""
    as_of: datetime | None = None


def read_query(
    pantry: Pantry, name: str, pairs: list[tuple[str, str]], headers: Mapping[str, str]
) -> ResultQuery:
    """Returns what the path, query and Accept header ask.

    The format is the ending of the path, else `?format=`, else what Accept prefers, else JSON.

    Raises:
        JobNotFound: no such job.
        NotFound: no such format.
        ArgumentInvalid: the arguments are not the job's.
        ValueInvalid: `as_of` is no moment of the past.
    """
    job_name, _, ending = name.partition(".")
    job = pantry.jobs.job(job_name)
    format_name = ending
    if job.argument("format") is None:
        asked = [value for key, value in pairs if key == "format"]
        pairs = [pair for pair in pairs if pair[0] != "format"]
        format_name = format_name or (asked[-1] if asked else "")
    if not format_name:
        accepted = headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
        format_name = MEDIA_TYPES.get(accepted, "json")
    allowed = ROW_FORMATS if job.rows is not None else FORMATS
    if format_name not in allowed:
        raise NotFound(f"no format {format_name!r} for {job_name}: {', '.join(allowed)}")
    as_of, pairs = take_moment(pantry, job, pairs)
    arguments = job.arguments_from_query(pairs)
    if job.rows is not None:
        row_key = str(arguments[job.rows.key])
        return ResultQuery(job, format_name, Call(job.qualified), row_key, as_of)
    return ResultQuery(job, format_name, call_of_query(job, arguments), as_of=as_of)


class Results:
    """Answers to result queries; `ready` without R, `answer` with it where it has to be."""

    def __init__(self, pantry: Pantry, pool: Pool) -> None:
        self._pantry = pantry
        self._pool = pool

    def ready(self, query: ResultQuery, directives: Directives) -> Ready | None:
        """Returns the reply if it is prepared; None if somebody has to work for it.

        What was an answer once is none that is prepared.
        """
        if query.as_of is not None:
            return None
        if query.job.rows is not None:
            row = self._pantry.row_answer(query.job, query.row_key)
            if not row_ready(self._pantry, row, directives):
                return None
            return Ready.of(row, _row_reply(query, row, directives))
        found = self._find(query)
        label = LABELS.get(query.format, query.format)
        if not ready(self._pantry, found, directives, lambda entry: label in entry.bodies):
            return None
        return Ready.of(found, _cell_reply(found, label, directives))

    def answer(
        self, query: ResultQuery, directives: Directives, promise: Promise | None = None
    ) -> Reply:
        """Returns the reply, having it computed if need be: under the promise, if any. Blocks.

        Raises:
            ArgumentInvalid, CallFailed, RefusedMiss, RowNotFound, EngineError: as they say.
            OnlyIfCached, NotPrepared: it is not there, and may not be computed.
        """
        if query.job.rows is not None:
            row = self._pantry.row_answer(query.job, query.row_key)
            row = obtain_row(self._pantry, row, directives, promise)
            return _row_reply(query, row, directives)
        found = self._find(query)
        label = LABELS.get(query.format, query.format)
        answered = obtain(
            self._pantry,
            found.call,
            found,
            directives,
            usable=lambda entry: (
                label in entry.bodies
                or (can_be_made(entry, query.format) and not directives.prepared_only)
            ),
            also=[Output(label, label)],
            promise=promise,
        )
        entry = answered.entry
        if entry is not None and label in entry.bodies:
            return _cell_reply(answered, label, directives)
        return self._derived(answered, query, directives)

    def _find(self, query: ResultQuery) -> Resolution:
        found = self._pantry.resolve(query.call, query.job)
        assert found is not None  # noqa: S101  # the job is given
        return found

    def _derived(self, answered: Resolution, query: ResultQuery, directives: Directives) -> Reply:
        """Returns a format that was not rendered ahead, from the answer's session or its value."""
        entry = answered.entry
        assert entry is not None  # noqa: S101  # obtained
        rendered = render_kept(self._pool, query.job, entry, query.format)
        body = Body.of(rendered.content, rendered.media_type, rendered.headers)
        return body_reply(200, body, _headers(answered, entry), directives)


def _cell_reply(found: Resolution, label: str, directives: Directives) -> Reply:
    entry = found.entry
    assert entry is not None  # noqa: S101  # checked by the callers
    return body_reply(200, entry.bodies[label], _headers(found, entry), directives)


def _headers(found: Resolution, entry: Entry) -> Headers:
    headers = answer_headers(found, entry.computed_at, entry.job, entry.version)
    if entry.session_key is None:
        return headers
    return (*headers, ("X-ocpu-session", entry.session_key))


def _row_reply(query: ResultQuery, found: RowResolution, directives: Directives) -> Reply:
    answer = found.answer
    assert answer is not None  # noqa: S101  # callers check
    body = row_body(query, answer)
    headers = answer_headers(found, answer.computed_at, query.job.name, answer.version)
    return body_reply(200, body, headers, directives)


def row_body(query: ResultQuery, answer: RowAnswer) -> Body:
    """Returns a row in the format that is asked for."""
    key = query.job.rows.key if query.job.rows is not None else "key"
    row = {key: answer.key, **answer.values}
    if query.format == "csv":
        return Body.of(_csv(row), "text/csv; charset=utf-8")
    return Body.of(orjson.dumps(row) + b"\n", "application/json")


def _csv(row: Mapping[str, object]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(row)
    writer.writerow(row.values())
    return out.getvalue().encode()
