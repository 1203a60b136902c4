"""Wiring: the parts of Larder put together as the settings say."""

from dataclasses import replace

from engine.limits import Limits
from engine.pool import Pool
from jobs.evaluator import Evaluator
from jobs.job_set import JobSet
from jobs.pantry import Pantry
from jobs.repository import Catalog
from larder.roles import engine_socket
from larder.settings import Settings


def open_pool(settings: Settings) -> Pool:
    """A client of the project's engine, which may not be there yet."""
    limits = replace(limits_of(settings), wall_s=settings.engine.timeout_get_s)
    return Pool(engine_socket(settings), read_limits=limits)


def open_pantry(settings: Settings, pool: Evaluator, jobs: JobSet) -> Pantry:
    """The answers of the project, and what makes them.

    Raises:
        StoreFull, StoreUnavailable: The state folder cannot be used.
    """
    return Pantry(
        settings.state_folder,
        pool,
        jobs,
        limits=limits_of(settings),
        size_limit_bytes=settings.cache.size_limit_bytes,
        session_key_digits=settings.session_key_digits,
    )


def limits_of(settings: Settings) -> Limits:
    """What one call may take."""
    engine = settings.engine
    return Limits(wall_s=engine.timeout_post_s, memory_bytes=engine.memory_bytes)


def open_catalog(settings: Settings) -> Catalog:
    """The catalog, its tables brought up to date.

    Raises:
        CatalogError: It cannot be used.
    """
    catalog = Catalog(settings.catalog_url)
    catalog.migrate()
    return catalog
