"""An answer as it was at a moment of the past: the reply to a query with `as_of`."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from api.api_error import NotFound
from api.as_of import moment_headers
from api.caching import Directives, body_reply
from api.reply import Headers, Reply
from api.results import LABELS, ResultQuery, row_body
from cache.clock import to_text
from cache.entry import Entry
from jobs.earlier import find_earlier, find_earlier_row
from jobs.pantry import Pantry
from jobs.repository import Catalog


def earlier_reply(
    pantry: Pantry, catalog: Catalog, query: ResultQuery, moment: datetime, directives: Directives
) -> Reply:
    """Returns what was current then, without R.

    Raises:
        NoAnswerThen: nothing was.
        NotFound: it was not kept in this format.
    """
    now = pantry.clock()
    if query.job.rows is not None:
        row = find_earlier_row(pantry, query.job, query.row_key, moment)
        made = _made(query, moment, now, row.computed_at, row.version)
        return body_reply(200, row_body(query, row), made, directives)
    entry = find_earlier(pantry, catalog, query.job, query.call, moment)
    label = LABELS.get(query.format, query.format)
    if label not in entry.bodies:
        raise NotFound(
            f"the answer of then was not kept as {query.format}: {', '.join(_formats(entry))}"
        )
    made = _made(query, moment, now, entry.computed_at, entry.version)
    return body_reply(200, entry.bodies[label], made, directives)


def _made(
    query: ResultQuery, moment: datetime, now: datetime, computed_at: datetime, version: str
) -> Headers:
    job = query.job.name
    return (
        *moment_headers(moment, now),
        ("Last-Modified", format_datetime(computed_at, usegmt=True)),
        ("Larder-Computed-At", to_text(computed_at)),
        ("Larder-Job", f"{job}; version={version[:12]}" if version else job),
    )


def _formats(entry: Entry) -> list[str]:
    names = {label: name for name, label in LABELS.items()}
    return [names.get(label, label) for label in entry.bodies if label != "json"]
