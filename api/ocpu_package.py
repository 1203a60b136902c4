"""One package: its objects, data sets, pages and files, and calls of its functions.

The same below /library, /user and /apps; where it is comes as a PackageAddress.
"""

from __future__ import annotations

from collections.abc import Callable

from api.errors import NotAllowed
from api.ocpu_call import call_function, call_script
from api.ocpu_files import WEB_FOLDER, package_file, package_folder
from api.ocpu_manual import html_pages, manual
from api.ocpu_objects import listing, only_reads, options_of, redirect, rendered, with_slash
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.reply import Reply, text
from api.services import Services


def serve_package(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    """Answers a package's URL; `rest` is what follows the package's own path.

    Raises:
        Forbidden: the caller may not see this package.
    """
    if request.reads:
        services.rights(request.caller).check_look(package)
    if not rest:
        return _root(request, package, services)
    section = SECTIONS.get(rest[0])
    if section is not None:
        return section(request, package, rest[1:], services)
    if request.method == "POST":
        return call_script(request, services, package, rest)
    only_reads(request)
    return package_file(request, package, rest, services)


def serve_object(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    """Answers an object's URL, or calls it; `rest` begins with its name.

    Raises:
        Forbidden: the caller may not call it, nor see it.
    """
    name = rest[0]
    if request.method == "POST":
        return call_function(request, services, rest[1:], package=package, name=name)
    if not request.reads:
        raise NotAllowed(request.method, request.path)
    services.rights(request.caller).check_call(f"{package.place}::{name}")
    if len(rest) == 1:
        services.pool.read("find_object", **package.fields(name=name))
        return redirect(request, f"{request.path.rstrip('/')}/print")
    fields = package.fields(name=name, format=rest[1], options=options_of(request))
    return rendered(services.pool.render("render_object", fields))


def _root(request: OcpuRequest, package: PackageAddress, services: Services) -> Reply:
    """Leads to the package's app if it has one, else to what it says of itself."""
    only_reads(request)
    folder = package_folder(package, services)
    if not request.has_slash:
        return with_slash(request)
    has_app = (folder / WEB_FOLDER).is_dir()
    return redirect(request, f"{package.path}/{WEB_FOLDER}/" if has_app else f"{package.path}/info")


def _names(
    request: OcpuRequest, operation: str, package: PackageAddress, services: Services
) -> Reply:
    only_reads(request)
    if not request.has_slash:
        return with_slash(request)
    return listing(services.pool.names(operation, **package.fields()))


def _objects(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    if rest:
        return serve_object(request, package, rest, services)
    return _names(request, "list_objects", package, services)


def _data_sets(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    only_reads(request)
    if rest:
        return _data(request, package, rest, services)
    return _names(request, "list_data", package, services)


def _data(
    request: OcpuRequest, package: PackageAddress, rest: list[str], services: Services
) -> Reply:
    name = rest[0]
    if len(rest) == 1:
        services.pool.read("find_data", **package.fields(name=name))
        return redirect(request, f"{request.path.rstrip('/')}/print")
    fields = package.fields(name=name, format=rest[1], options=options_of(request))
    return rendered(services.pool.render("render_data", fields))


def _information(
    request: OcpuRequest, package: PackageAddress, _rest: list[str], services: Services
) -> Reply:
    only_reads(request)
    return text(200, services.pool.read("package_information", **package.fields())["text"])


Section = Callable[[OcpuRequest, PackageAddress, list[str], Services], Reply]
SECTIONS: dict[str, Section] = {
    "R": _objects,
    "data": _data_sets,
    "info": _information,
    "man": manual,
    "html": html_pages,
}
