"""/library/{package}/man and /html: help pages, and the pages of R's old help server."""

from __future__ import annotations

from pathlib import Path

from api.errors import NotFound
from api.ocpu_files import serve_path
from api.ocpu_objects import listing, only_reads, redirect, rendered, with_slash
from api.ocpu_request import OcpuRequest
from api.reply import Reply
from api.services import Services

STYLE_SHEET = "R.css"


def manual(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    """Returns the topics, or a page in text, html, tex or pdf; an alias leads to its page."""
    only_reads(request)
    if not rest:
        if not request.has_slash:
            return with_slash(request)
        return listing(services.pool.names("list_topics", package=package))
    if rest[1:] == [STYLE_SHEET]:
        return _style_sheet(request, services)
    topic = rest[0]
    page = str(services.pool.read("find_topic", package=package, topic=topic)["topic"])
    if page != topic:
        return redirect(request, f"/library/{package}/man/{page}/{'/'.join(rest[1:])}")
    if len(rest) == 1:
        return redirect(request, f"/library/{package}/man/{topic}/text")
    fields = {"package": package, "topic": topic, "format": rest[1]}
    return rendered(services.pool.render("render_topic", fields))


def html_pages(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    """Returns a package's index, or the page of a topic as `topic.html`."""
    only_reads(request)
    if not rest:
        if not request.has_slash:
            return with_slash(request)
        root = Path(services.pool.read("find_package", package=package)["path"])
        return serve_path(request, root, ["html", "00Index.html"])
    if rest[0] == STYLE_SHEET:
        return _style_sheet(request, services)
    topic, dot, ending = rest[0].rpartition(".")
    if not dot or ending != "html":
        raise NotFound(f"Invalid API call: {request.path}")
    page = str(services.pool.read("find_topic", package=package, topic=topic)["topic"])
    if page != topic:
        return redirect(request, f"/library/{package}/html/{page}.html")
    fields = {"package": package, "topic": topic, "format": "html"}
    return rendered(services.pool.render("render_topic", fields))


def documentation(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Returns a file of R's own documentation, below /doc."""
    only_reads(request)
    if not parts and not request.has_slash:
        return with_slash(request)
    return serve_path(request, _doc_folder(services), parts)


def _style_sheet(request: OcpuRequest, services: Services) -> Reply:
    return serve_path(request, _doc_folder(services), ["html", STYLE_SHEET])


def _doc_folder(services: Services) -> Path:
    return Path(services.pool.read("doc_folder")["path"])
