"""/library/{package}/man and /html: help pages, and the pages of R's old help server."""

from __future__ import annotations

from pathlib import Path

from api.api_error import NotFound
from api.ocpu_files import package_folder, serve_path
from api.ocpu_objects import listing, only_reads, redirect, rendered, with_slash
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.reply import Reply
from api.request_path import MOUNT
from api.services import Services

STYLE_SHEET = "R.css"
INDEX = "00Index.html"


def manual(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    """Returns the topics, or a page in text, html, tex or pdf; an alias leads to its page."""
    only_reads(request)
    if not rest:
        if not request.has_slash:
            return with_slash(request)
        return listing(services.pool.names("list_topics", **package.fields()))
    if rest[1:] == [STYLE_SHEET]:
        return _style_sheet(request, services)
    topic = rest[0]
    page = str(services.pool.read("find_topic", **package.fields(topic=topic))["topic"])
    if page != topic:
        return redirect(request, f"{package.path}/man/{page}/{'/'.join(rest[1:])}")
    if len(rest) == 1:
        return redirect(request, f"{package.path}/man/{topic}/text")
    return rendered(
        services.pool.render("render_topic", package.fields(topic=topic, format=rest[1]))
    )


def html_pages(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    """Returns a package's index, or the page of a topic as `topic.html`."""
    only_reads(request)
    if not rest and not request.has_slash:
        return with_slash(request)
    if not rest or rest == [INDEX]:
        return _index(request, package, services)
    if rest[0] == STYLE_SHEET:
        return _style_sheet(request, services)
    topic, dot, ending = rest[0].rpartition(".")
    if not dot or ending != "html":
        raise NotFound(f"Invalid API call: {request.path}")
    page = str(services.pool.read("find_topic", **package.fields(topic=topic))["topic"])
    if page != topic:
        return redirect(request, f"{package.path}/html/{page}.html")
    return rendered(
        services.pool.render(
            "render_topic", package.fields(topic=topic, format="html", **_links(package))
        )
    )


def _index(request: OcpuRequest, package: PackageAddress, services: Services) -> Reply:
    """Returns the index that R wrote, or one made now."""
    folder = package_folder(package, services)
    if (folder / "html" / INDEX).is_file():
        return serve_path(request, folder, ["html", INDEX])
    return rendered(services.pool.render("render_index", package.fields()))


def _links(package: PackageAddress) -> dict[str, str]:
    """Returns where a page is read: an app's links lead to the server's library."""
    return {"place": "html"} | ({"library_url": f"{MOUNT}/library"} if package.library else {})


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
