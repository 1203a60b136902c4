"""What request handlers of /v1 are given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

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


ServicesDep = Annotated[Services, Depends(services_of)]
CatalogDep = Annotated[Catalog, Depends(catalog_of)]
