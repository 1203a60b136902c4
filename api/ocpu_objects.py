"""Objects in a format, and the listings and redirects that lead to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from api.errors import NotAllowed
from api.ocpu_request import OcpuRequest
from api.reply import Reply, text
from engine.evaluation import RenderedBody

LIBRARY_CACHE = ("Cache-Control", "max-age=86400, public")
CALL_CACHE = ("Cache-Control", "max-age=300, public")


def redirect(request: OcpuRequest, path: str) -> Reply:
    """Returns a redirect to a path below the mount; the query is dropped, as OpenCPU drops it."""
    url = request.url(path)
    return Reply(302, f"Redirect to {url}\n".encode(), None, (("Location", url),))


def with_slash(request: OcpuRequest) -> Reply:
    """Returns a redirect to the same path with a slash at its end."""
    return redirect(request, request.path + "/")


def listing(names: Iterable[str]) -> Reply:
    """Returns names one a line, in a dictionary's order: case and punctuation do not count."""
    ordered = sorted(names, key=lambda name: (re.sub(r"\W", "", name).lower(), name))
    return text(200, "\n".join(ordered) + "\n")


def rendered(body: RenderedBody) -> Reply:
    """Returns what R rendered."""
    return Reply(200, body.content, body.media_type, body.headers)


def only_reads(request: OcpuRequest) -> None:
    """Lets GET and HEAD pass.

    Raises:
        NotAllowed: any other method.
    """
    if not request.reads:
        raise NotAllowed(request.method, request.path)


def options_of(request: OcpuRequest) -> Mapping[str, str]:
    """Returns the options of a format; a name without a value is left out."""
    return {name: value for name, value in request.query.items() if value != ""}
