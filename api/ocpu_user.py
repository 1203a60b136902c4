"""/user: the R libraries of this machine's users, where they let the server read them."""

from __future__ import annotations

from urllib.parse import quote

from api.api_error import NotFound
from api.ocpu_library import packages
from api.ocpu_objects import listing, only_reads, with_slash
from api.ocpu_request import OcpuRequest
from api.reply import Reply
from api.services import Services


def users(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /user and everything below; `parts` is what follows it.

    A user without a library for the server is answered like one who is not there: nobody learns
    the names of accounts here.
    """
    r = services.r_facts()
    if not parts:
        only_reads(request)
        return listing(services.homes.names(r)) if request.has_slash else with_slash(request)
    name = parts[0]
    folder = services.homes.find(name, r)
    if folder is None:
        raise NotFound(f"User {name} not found.")
    if len(parts) == 1:
        only_reads(request)
        return listing(["library"]) if request.has_slash else with_slash(request)
    if parts[1] != "library":
        raise NotFound(f"invalid user api: {parts[1]}")
    path = f"/user/{quote(name)}/library"
    return packages(request, parts[2:], services, path=path, folder=str(folder))
