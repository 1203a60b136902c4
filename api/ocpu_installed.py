"""A package that was installed, before or when it is asked for, under the URLs of its source."""

from __future__ import annotations

from api.errors import NotAllowed
from api.ocpu_package import serve_object, serve_package
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.reply import Reply
from api.services import Services
from engine.install_request import Source
from engine.installed import Installed


def serve_installed(
    request: OcpuRequest, source: Source, path: str, rest: list[str], services: Services
) -> Reply:
    """Answers a URL of a package from `source`, installing it first where that is allowed.

    `path` is the one it is served under, whose end is its name there; `name::object` may stand in
    place of the last segment. `rest` is what follows.
    """
    path, separator, thing = path.partition("::")
    found = obtain(request, source, path.split("/", 2)[2], services)
    package = PackageAddress(found.package or "", path, str(found.folder))
    if separator:
        return serve_object(request, package, [thing, *rest], services)
    return serve_package(request, package, rest, services)


def obtain(request: OcpuRequest, source: Source, name: str, services: Services) -> Installed:
    """Returns what is asked for; a method that nothing answers installs nothing.

    Raises:
        NotAllowed: the method is none that reads or calls.
        Forbidden, NotInstalled, InstallFailed, InstallBusy: as `OnDemand.obtain` says.
    """
    if not request.reads and request.method != "POST":
        raise NotAllowed(request.method, request.path)
    return services.on_demand.obtain(source, name, may_install=request.caller.installs)
