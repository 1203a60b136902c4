"""A page of the web face: a template filled in with what every page shows and its own."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response

from api.caller import caller_of
from api.v1 import response_of
from api.web.template import filled


def page(
    request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
) -> Response:
    """Returns a template as a page; `values` are what it shows."""
    services = request.app.state.services
    told = {"path": request.url.path, "now": services.pantry.clock(), "project": services.project}
    told["caller"] = caller_of(request.scope)
    return response_of(filled(template, status, **{**told, **values}))


def is_for_people(request: Request) -> bool:
    """Whether who asks wants a page: a browser does, at an address of none of the APIs."""
    of_an_api = request.url.path.startswith(("/v1/", "/static/"))
    return not of_an_api and "text/html" in request.headers.get("accept", "")


def problem(request: Request, status: int, detail: str) -> Response:
    """Returns the page that says what went wrong."""
    told = {"title": HTTPStatus(status).phrase, "detail": detail}
    return page(request, "problem.html", told, status=status)
