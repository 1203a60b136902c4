"""Wiring: the parts of Larder put together as the settings say."""

from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network

from api.access_config import AccessConfig
from api.audit_config import AuditConfig
from api.client_address import Proxies
from api.cross_origin import Pages
from api.hosts import HOST, Hosts
from api.ocpu_config import APIS, OcpuConfig
from cache.clock import utcnow
from engine.install_policy import InstallPolicy
from engine.limits import Limits
from engine.pool import Pool
from engine.shelf import Shelf
from jobs.evaluator import Evaluator
from jobs.job_set import JobSet
from jobs.page_origin import authority_of
from jobs.pantry import Pantry
from jobs.rate import parse_rate
from jobs.repository import Catalog
from larder.connection import ConnectionLimits
from larder.roles import apps_folder, engine_socket
from larder.settings import CATALOG_FILE, Settings

FAILURES = "60/minute"
"""Refusals for want of a valid key that one address may get, beyond loopback."""


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
        keep_sessions_s=settings.sessions.keep_s,
    )


def open_shelf(settings: Settings) -> Shelf:
    """What was installed for the project."""
    return Shelf(apps_folder(settings))


def releases_keep_s(settings: Settings) -> float:
    """How long what was replaced on the shelf stays: sessions read their package from there."""
    longest_s = max(settings.engine.timeout_post_s, settings.engine.timeout_get_s)
    return max(settings.sessions.keep_s, longest_s)


def limits_of(settings: Settings) -> Limits:
    """What one call may take."""
    engine = settings.engine
    return Limits(
        wall_s=engine.timeout_post_s,
        cpu_s=engine.cpu_time_s,
        memory_bytes=engine.memory_bytes,
        file_bytes=engine.file_bytes,
        disk_bytes=engine.disk_bytes,
        processes=engine.processes,
        output_bytes=engine.output_bytes,
        plots=engine.plots,
        network=engine.network,
    )


def access_config(settings: Settings) -> AccessConfig:
    """Who may ask."""
    access, is_alone = settings.access, settings.is_loopback and not settings.insecure
    jwt, oidc = access.jwt.config(), access.oidc.config()
    scheme, authority = authority_of(settings.url or "")
    public = HOST.fullmatch(authority)
    names = frozenset([*access.hosts, *([public[1]] if public else [])])
    own = f"{scheme}://{authority}" if authority else ""
    named = Hosts(names if access.hosts else None)
    may_be_open = access.keys == "auto" and jwt is None and oidc is None
    failures = access.failures or (None if settings.is_loopback else FAILURES)
    return AccessConfig(
        is_open=may_be_open and (settings.is_loopback or settings.insecure),
        is_alone=is_alone,
        key_in_query=access.key_in_query,
        hosts=named,
        hosts_while_open=Hosts(names, of_browsers=True) if is_alone else named,
        proxies=Proxies(tuple(ip_network(text) for text in access.proxies)),
        pages=Pages(frozenset(access.origins), own=own, ocpu=settings.ocpu.cors),
        jwt=jwt,
        oidc=oidc,
        login_keep_s=access.login_keep_s,
        url=settings.url,
        rate=None if access.rate is None else parse_rate(access.rate),
        failures=None if failures is None else parse_rate(failures),
        concurrent=access.concurrent,
        queue=access.queue,
        r_seconds=access.r_seconds_per_day,
        body_limit_bytes=access.body_limit_bytes,
        call=None if settings.call is None else tuple(settings.call),
        miss=access.miss,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """What one client of a worker may do to its connections."""
    access = settings.access
    return ConnectionLimits(
        patience_s=access.patience_s,
        body_rate_bytes=access.body_rate_bytes,
        connections=access.connections,
    )


def audit_config(settings: Settings) -> AuditConfig:
    """What is on record."""
    audit = settings.audit
    return AuditConfig(hits=audit.hits, text=audit.arguments == "text", required=audit.required)


def ocpu_config(settings: Settings) -> OcpuConfig:
    """How /ocpu answers."""
    ocpu, ages = settings.ocpu, settings.ocpu.cache
    return OcpuConfig(
        apis=APIS if ocpu.apis is None else frozenset(ocpu.apis),
        code=ocpu.code,
        cors=ocpu.cors,
        upload_limit_bytes=ocpu.upload_limit_bytes,
        call_cache_s=round(ages.post_s),
        library_cache_s=round(ages.library_s),
        apps_cache_s=round(ages.apps_s),
        tmp_cache_s=round(ages.tmp_s),
        static_cache_s=round(ages.static_s),
        install=install_policy(settings),
    )


def install_policy(settings: Settings) -> InstallPolicy:
    """What may be installed, and from where."""
    install = settings.install
    return InstallPolicy(
        allow=tuple(install.allow),
        webhook_secret=install.webhook_secret,
        refresh_s=install.refresh_s,
        github_url=install.github_url,
        gist_url=install.gist_url,
        github_api_url=install.github_api_url,
        cran_url=install.cran_url,
        bioc_url=install.bioc_url,
        timeout_s=install.timeout_s,
    )


def has_valid_key(settings: Settings) -> bool:
    """Whether a key was made that opens something now. What is not there yet is not made.

    Raises:
        CatalogError: The catalog cannot be used.
    """
    if not has_catalog(settings):
        return False
    with closing(open_catalog(settings)) as catalog:
        return any(key.is_valid(utcnow()) for key in catalog.access_keys())


def has_catalog(settings: Settings) -> bool:
    """Whether there is a catalog already; one that is a server is taken to be there."""
    return settings.catalog is not None or (settings.state_folder / CATALOG_FILE).exists()


def open_catalog(settings: Settings) -> Catalog:
    """The catalog, its tables brought up to date.

    Raises:
        CatalogError: It cannot be used.
    """
    catalog = Catalog(settings.catalog_url)
    catalog.migrate()
    return catalog
