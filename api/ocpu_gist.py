"""/gist: the gists of a GitHub user, their files, and the scripts among them by POST."""

from __future__ import annotations

from pathlib import Path

from api.api_error import NotFound
from api.errors import BadRequest, NotAllowed
from api.install_refusals import NotInstalled
from api.ocpu_call import run_script
from api.ocpu_files import path_below, serve_path
from api.ocpu_installed import obtain
from api.ocpu_objects import listing, only_reads, with_slash
from api.ocpu_request import OcpuRequest
from api.reply import Reply
from api.request_path import MOUNT
from api.services import Services
from engine.install_request import valid_name

ANY_ID = "0"
"""An id that only a pattern for all gists of a user matches."""


def gists(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /gist and everything below; `parts` is what follows it."""
    if not parts:
        only_reads(request)
        raise BadRequest(f"Name a user of GitHub: {MOUNT}/gist/USER/")
    if len(parts) == 1:
        return _gists_of(request, parts[0], services)
    if request.method == "POST" and len(parts) == 2:
        raise NotAllowed(request.method, request.path)
    if request.method == "POST":
        services.rights(request.caller).check_code("running a script")
    found = obtain(request, "gist", f"{parts[0]}/{parts[1]}", services)
    folder, rest = found.folder, parts[2:]
    _refuse_hidden(folder, rest)
    if request.method == "POST":
        return run_script(request, services, path_below(folder, rest), "gist")
    return serve_path(request, folder, rest)


def _gists_of(request: OcpuRequest, user: str, services: Services) -> Reply:
    """Returns the ids of the user's gists: all where all are allowed, else those installed."""
    only_reads(request)
    if not valid_name("gist", f"{user}/{ANY_ID}"):
        raise NotFound(f"'{user}' is no name of a GitHub user")
    if not request.has_slash:
        return with_slash(request)
    if services.ocpu.install.allows("gist", f"{user}/{ANY_ID}"):
        return listing(services.gist_list.ids(user))
    names = (found.name.partition("/") for found in services.on_demand.installed("gist"))
    installed = [name for owner, _, name in names if owner.lower() == user.lower()]
    if not installed:
        raise NotInstalled("gist", f"{user}/*")
    return listing(installed)


def _refuse_hidden(folder: Path, parts: list[str]) -> None:
    """Lets only those files pass that a listing shows, by whichever way they are reached."""
    try:
        inside = path_below(folder, parts).relative_to(folder.resolve())
        hidden = any(part.startswith(".") for part in (*parts, *inside.parts))
    except (OSError, ValueError):  # no file can have that name
        hidden = True
    if hidden:
        raise BadRequest(f"File not found: {'/'.join(parts)}")
