"""/library: the packages of a library, the server's own or another folder's."""

from __future__ import annotations

from api.ocpu_objects import listing, only_reads, with_slash
from api.ocpu_package import serve_object, serve_package
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.reply import Reply
from api.services import Services


def library(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /library and everything below; `parts` is what follows it."""
    return packages(request, parts, services, path="/library")


def packages(
    request: OcpuRequest,
    parts: list[str],
    services: Services,
    *,
    path: str,
    folder: str | None = None,
) -> Reply:
    """Answers the URLs of a library that is served under `path`.

    `folder` is its R library folder; None is the server's own.
    """
    if not parts:
        only_reads(request)
        if not request.has_slash:
            return with_slash(request)
        fields = {} if folder is None else {"library": folder}
        return listing(services.pool.names("list_packages", **fields), ignoring=".")
    name, separator, thing = parts[0].partition("::")
    package = PackageAddress(name, f"{path}/{name}", folder)
    if separator:
        return serve_object(request, package, [thing, *parts[1:]], services)
    return serve_package(request, package, parts[1:], services)
