"""A page: a template filled in, with the headers that every page has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def page(
    request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
) -> HTMLResponse:
    """Returns a template as a page; `values` are what it shows."""
    services = request.app.state.services
    told = {"path": request.url.path, "now": services.pantry.clock(), "project": services.project}
    text = _environment().get_template(template).render({**told, **values})
    return HTMLResponse(text, status, headers=HEADERS)


def is_for_people(request: Request) -> bool:
    """Whether who asks wants a page: a browser does, at an address of none of the APIs."""
    of_an_api = request.url.path.startswith(("/v1/", "/static/"))
    return not of_an_api and "text/html" in request.headers.get("accept", "")


def problem(request: Request, status: int, detail: str) -> HTMLResponse:
    """Returns the page that says what went wrong."""
    told = {"title": HTTPStatus(status).phrase, "detail": detail}
    return page(request, "problem.html", told, status=status)


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


@cache
def asset(name: str) -> str:
    """Returns the address of a static file; it changes with the file, so browsers may keep it."""
    digest = blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"{MOUNT}/{name}?{digest}"


def _ago(then: datetime, now: datetime) -> str:
    return ago(then, now)


def _iso(then: datetime) -> str:
    return then.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
