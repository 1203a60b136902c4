"""What request handlers of /v1 are given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.caller import Caller, caller_of
from api.rights import Rights
from api.services import Services
from jobs.repository import Catalog


def services_of(request: Request) -> Services:
    """Returns the services of this process."""
    services: Services = request.app.state.services
    return services


def catalog_of(request: Request) -> Catalog:
    """Returns the catalog of this process."""
    catalog: Catalog = request.app.state.catalog
    return catalog


def caller_dep(request: Request) -> Caller:
    """Returns who asks."""
    return caller_of(request.scope)


def rights_of(
    services: Annotated[Services, Depends(services_of)],
    caller: Annotated[Caller, Depends(caller_dep)],
) -> Rights:
    """Returns what whoever asks may do."""
    return services.rights(caller)


ServicesDep = Annotated[Services, Depends(services_of)]
CatalogDep = Annotated[Catalog, Depends(catalog_of)]
CallerDep = Annotated[Caller, Depends(caller_dep)]
RightsDep = Annotated[Rights, Depends(rights_of)]
