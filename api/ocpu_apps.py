"""/apps and /github: packages of GitHub repositories, installed before or when asked for."""

from __future__ import annotations

from urllib.parse import quote

from api.api_error import NotFound
from api.ocpu_installed import serve_installed
from api.ocpu_objects import listing, only_reads, with_slash
from api.ocpu_request import OcpuRequest
from api.reply import Reply
from api.request_path import MOUNT
from api.services import Services
from engine.install_request import valid_name

IN_URLS = "/:~!$&'()*+,;=@"
"""What a path may hold as it is, besides letters and digits."""


def apps(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /apps and everything below; `parts` is what follows it.

    The name of an app is that of its repository; its package may have another.
    """
    if len(parts) >= 2:
        path = f"/apps/{parts[0]}/{parts[1]}"
        return serve_installed(request, "github", path, parts[2:], services)
    only_reads(request)
    if parts and not valid_name("github", f"{parts[0]}/repository"):
        raise NotFound(f"'{parts[0]}' is no name of a GitHub user")
    if not request.has_slash:
        return with_slash(request)
    names = [found.name for found in services.on_demand.installed("github")]
    if parts:
        owned = (name.partition("/") for name in names)
        names = [name for owner, _, name in owned if owner.lower() == parts[0].lower()]
    return listing(names)


def github(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Redirects readers to the name of today, and answers calls, whose body a redirect would lose.

    This redirect alone keeps the query, as OpenCPU's does.
    """
    if not request.reads:
        return apps(request, parts, services)
    path = quote(request.path.replace("/github", "/apps", 1), safe=IN_URLS)
    text = f"The {MOUNT}/github/ API has been renamed to {MOUNT}/apps/\n"
    headers = (("Location", request.url(path) + request.query_text),)
    return Reply(302, text.encode(), None, headers)
