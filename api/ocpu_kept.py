"""Calls of functions that a job declares: the prepared answer in the form that was asked for."""

from __future__ import annotations

from api.caching import Directives, answer_headers, body_reply
from api.obtain import obtain
from api.ocpu_objects import options_of
from api.ocpu_replies import failure_reply, listing_reply, session_headers
from api.ocpu_request import OcpuRequest
from api.reply import Headers, Reply
from api.services import Services
from cache.body import Body
from cache.entry import Entry
from engine.call import Output
from jobs.call import Call
from jobs.errors import CallFailed
from jobs.resolution import Resolution

DRAWINGS = frozenset({"png", "svg", "svglite", "pdf"})


def label_of(output: str, options: dict[str, str]) -> str:
    """Returns the name under which a body with these options is kept."""
    return "?".join((output, "&".join(f"{k}={v}" for k, v in sorted(options.items())))).rstrip("?")


def answer_kept(
    request: OcpuRequest, services: Services, call: Call, found: Resolution, output: str | None
) -> Reply:
    """Returns the answer to a call of a declared function, computing it if it is not there."""
    directives = services.directives(request.caller, request.headers)
    options = dict(options_of(request))
    with_r = request.caller.starts_r
    also = [Output(label_of(output, options), output, options)] if output else []
    try:
        resolution = obtain(
            services.pantry,
            call,
            found,
            directives,
            usable=lambda entry: _usable(entry, output, options, with_r=with_r),
            also=also,
            promise=request.promise,
        )
    except CallFailed as error:
        return failure_reply(request, error)
    reply = kept_reply(request, resolution, output, directives)
    return reply or _derived(request, services, resolution, output or "", directives)


def has_session(entry: Entry) -> bool:
    """Whether the entry can answer here: clients go on with the session that an answer names."""
    return entry.session_key is not None


def _usable(entry: Entry, output: str | None, options: dict[str, str], *, with_r: bool) -> bool:
    """Whether the entry can answer in this form: as it is, or through its session `with_r`."""
    ready = output is None or label_of(output, options) in entry.bodies
    return has_session(entry) and (with_r or ready)


def kept_reply(
    request: OcpuRequest, found: Resolution, output: str | None, directives: Directives
) -> Reply | None:
    """Returns the reply if the entry has it ready; no R."""
    entry = found.entry
    if entry is None or entry.session_key is None:
        return None
    headers = _headers(request, found, entry)
    if output is None:
        listing = listing_reply(entry.session_key, entry.listing)
        body = Body.of(listing.body, listing.media_type or "")
        return body_reply(listing.status, body, headers, directives)
    kept = entry.bodies.get(label_of(output, dict(options_of(request))))
    return None if kept is None else body_reply(201, kept, headers, directives)


def _derived(
    request: OcpuRequest,
    services: Services,
    found: Resolution,
    output: str,
    directives: Directives,
) -> Reply:
    """Returns a format that was not prepared, from the session of the prepared answer."""
    entry = found.entry
    assert entry is not None  # noqa: S101  # a usable entry has one
    fields: dict[str, object] = {
        "session_key": entry.session_key,
        "format": output,
        "options": options_of(request),
        "name": ".val",
        "as": "object",
    }
    if output in DRAWINGS:
        operation = "render_last_plot"
    elif output == "console":
        operation = "render_console"
    else:
        operation = "render_session_object"
    rendered = services.pool.render(operation, fields)
    body = Body.of(rendered.content, rendered.media_type, rendered.headers)
    return body_reply(201, body, _headers(request, found, entry), directives)


def _headers(request: OcpuRequest, found: Resolution, entry: Entry) -> Headers:
    told = answer_headers(found, entry.computed_at, entry.job, entry.version)
    assert entry.session_key is not None  # noqa: S101  # as above
    return (*told, *session_headers(request, entry.session_key))
