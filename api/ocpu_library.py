"""/library: packages, their objects and data sets, and calls of their functions."""

from __future__ import annotations

from collections.abc import Callable

from api.errors import NotAllowed
from api.ocpu_call import call_function, call_script
from api.ocpu_files import package_file
from api.ocpu_manual import html_pages, manual
from api.ocpu_objects import (
    LIBRARY_CACHE,
    listing,
    only_reads,
    options_of,
    redirect,
    rendered,
    with_slash,
)
from api.ocpu_request import OcpuRequest
from api.reply import Reply, text
from api.services import Services


def library(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /library and everything below; `parts` is what follows it."""
    reply = _library(request, parts, services)
    return reply.with_headers(LIBRARY_CACHE) if reply.status < 400 else reply


def _library(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    if not parts:
        only_reads(request)
        if not request.has_slash:
            return with_slash(request)
        return listing(services.pool.names("list_packages"))
    package, separator, name = parts[0].partition("::")
    if separator:
        return _object(request, package, [name, *parts[1:]], services)
    if len(parts) == 1:
        return _package(request, package, services)
    section = SECTIONS.get(parts[1])
    if section is not None:
        return section(request, package, parts[2:], services)
    if request.method == "POST":
        return call_script(request, services, package, parts[1:])
    only_reads(request)
    return package_file(request, package, parts[1:], services)


def _package(request: OcpuRequest, package: str, services: Services) -> Reply:
    only_reads(request)
    services.pool.read("find_package", package=package)
    if not request.has_slash:
        return with_slash(request)
    return redirect(request, f"/library/{package}/info")


def _names(request: OcpuRequest, operation: str, package: str, services: Services) -> Reply:
    only_reads(request)
    if not request.has_slash:
        return with_slash(request)
    return listing(services.pool.names(operation, package=package))


def _objects(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    if rest:
        return _object(request, package, rest, services)
    return _names(request, "list_objects", package, services)


def _data_sets(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    only_reads(request)
    if rest:
        return _data(request, package, rest, services)
    return _names(request, "list_data", package, services)


def _information(request: OcpuRequest, package: str, _rest: list[str], services: Services) -> Reply:
    only_reads(request)
    return text(200, services.pool.read("package_information", package=package)["text"])


def _object(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    name = rest[0]
    if request.method == "POST":
        return call_function(request, services, rest[1:], package=package, name=name)
    if not request.reads:
        raise NotAllowed(request.method, request.path)
    if len(rest) == 1:
        services.pool.read("find_object", package=package, name=name)
        return redirect(request, f"{request.path.rstrip('/')}/print")
    fields = {"package": package, "name": name, "format": rest[1], "options": options_of(request)}
    return rendered(services.pool.render("render_object", fields))


def _data(request: OcpuRequest, package: str, rest: list[str], services: Services) -> Reply:
    name = rest[0]
    if len(rest) == 1:
        services.pool.read("find_data", package=package, name=name)
        return redirect(request, f"{request.path.rstrip('/')}/print")
    fields = {"package": package, "name": name, "format": rest[1], "options": options_of(request)}
    return rendered(services.pool.render("render_data", fields))


Section = Callable[[OcpuRequest, str, list[str], Services], Reply]
SECTIONS: dict[str, Section] = {
    "R": _objects,
    "data": _data_sets,
    "info": _information,
    "man": manual,
    "html": html_pages,
}
