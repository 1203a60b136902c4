"""Templates: HTML that loads nothing from elsewhere, and the headers that say so."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.reply import Reply
from api.web.words import count, moment, number, percent, shown
from jobs.spoken_time import ago, span

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
MOUNT: Final = "/static/web"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No page loads anything from elsewhere, and none runs a script that stands in it."""
HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # less would hide from forms where they come from
)


def filled(template: str, status: int = 200, /, *, keep: str = "no-cache", **values: Any) -> Reply:
    """Returns a template filled in; `keep` is what browsers may do with it."""
    content = _environment().get_template(template).render(values)
    headers = (*HEADERS, ("Cache-Control", keep))
    return Reply(status, content.encode(), "text/html; charset=utf-8", headers)


@cache
def asset(name: str) -> str:
    """Returns the address of a static file; it changes with the file, so browsers may keep it."""
    digest = blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"{MOUNT}/{name}?{digest}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "ago": _ago,
        "count": count,
        "iso": _iso,
        "moment": moment,
        "number": number,
        "percent": percent,
        "shown": shown,
        "span": span,
    }
    made.globals["asset"] = asset
    return made


def _ago(then: datetime, now: datetime) -> str:
    return ago(then, now)


def _iso(then: datetime) -> str:
    return then.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
