"""Files below a folder that is served as it is: never one outside it."""

from __future__ import annotations

from pathlib import Path

from api.errors import BadRequest
from api.media_types import media_type_of
from api.ocpu_objects import listing, with_slash
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.reply import Reply
from api.services import Services

WEB_FOLDER = "www"
"""Where a package has the pages of its app: inst/www of its sources."""


def serve_path(request: OcpuRequest, root: Path, parts: list[str]) -> Reply:
    """Returns a file below `root`, or the names in a folder.

    Raises:
        BadRequest: there is no such file, or the path leads out of the root.
    """
    path = path_below(root, parts)
    if path.is_dir():
        if not request.has_slash:
            return with_slash(request)
        index = path / "index.html"
        if not index.is_file():
            return listing(child.name for child in path.iterdir() if child.name[0] != ".")
        path = index
    return Reply(200, path.read_bytes(), media_type_of(path))


def path_below(root: Path, parts: list[str]) -> Path:
    """Returns the path of something that is there, below `root`.

    Raises:
        BadRequest: it is not there, or the path leads out of the root.
    """
    name = "/".join(parts)
    root = root.resolve()
    try:
        path = (root / name).resolve()
        found = path.exists()
    except OSError:  # no file can have such a name
        raise BadRequest(f"File not found: {name}") from None
    if not path.is_relative_to(root):
        raise BadRequest(f"Path {name} is not in this folder")
    if not found:
        raise BadRequest(f"File not found: {name}")
    return path


def package_folder(package: PackageAddress, services: Services) -> Path:
    """Returns where a package is installed."""
    return Path(services.pool.read("find_package", **package.fields())["path"])


def package_file(
    request: OcpuRequest, package: PackageAddress, parts: list[str], services: Services
) -> Reply:
    """Returns a file of an installed package."""
    return serve_path(request, package_folder(package, services), parts)
