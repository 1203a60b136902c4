"""/cran and /bioc: packages of CRAN-like repositories, installed before or when asked for."""

from __future__ import annotations

from api.ocpu_installed import serve_installed
from api.ocpu_objects import listing, only_reads, with_slash
from api.ocpu_request import OcpuRequest
from api.reply import Reply
from api.services import Services
from engine.install_request import Source


def cran(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /cran and everything below; `parts` is what follows it."""
    return _repository(request, parts, services, "cran")


def bioc(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /bioc and everything below; `parts` is what follows it."""
    return _repository(request, parts, services, "bioc")


def _repository(
    request: OcpuRequest, parts: list[str], services: Services, source: Source
) -> Reply:
    if parts:
        return serve_installed(request, source, f"/{source}/{parts[0]}", parts[1:], services)
    only_reads(request)
    if not request.has_slash:
        return with_slash(request)
    return listing(found.name for found in services.on_demand.installed(source))
