"""Finds out which version of each job is the current one, and tells everybody."""

import logging
from collections.abc import Iterable
from hashlib import blake2b

from cache.entry import Version
from engine.errors import EngineBusy, EngineError, EngineUnavailable
from jobs.evaluator import Evaluator
from jobs.job import Job
from jobs.repository import Catalog
from jobs.versions import Versions

log = logging.getLogger(__name__)


def version_digest(job: Job, package_version: str) -> str:
    """32 hex digits of what decides a job's answers: its entry, and the R code it uses."""
    text = f"{job.digest}\n{package_version}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


class VersionKeeper:
    """The writer behind `Versions`: for the scheduler, the supervisor and `larder run`.

    Args:
        catalog: Remembers since when a version is the current one.
        pool: Knows the R sources and packages.
        versions: Where the current ones are published.
    """

    def __init__(self, catalog: Catalog, pool: Evaluator, versions: Versions) -> None:
        self._catalog = catalog
        self._pool = pool
        self._versions = versions

    def publish(self, jobs: Iterable[Job]) -> dict[str, Version]:
        """Publishes the versions of all jobs: at start, and when a definition or R code changed.

        A job whose package cannot be asked keeps its version, and the others do not suffer.

        Raises:
            EngineUnavailable, EngineBusy: R cannot be asked now.
            CatalogUnavailable, StoreFull, StoreUnavailable: They cannot be written down.
        """
        packages: dict[str, str | None] = {}
        current: dict[str, Version] = {}
        for job in jobs:
            if job.package not in packages:
                packages[job.package] = self._package_version(job.package)
            version = self._current(job, packages[job.package])
            if version is not None:
                current[job.name] = version
        if self._versions.publish(current, whole=True):
            log.info("versions published jobs=%d", len(current))
        return current

    def renew(self, job: Job) -> Version:
        """Publishes the version of one job and gives it.

        Raises:
            EngineError: R cannot be asked, or the package is not there.
            CatalogUnavailable, StoreFull, StoreUnavailable: It cannot be written down.
        """
        digest = version_digest(job, self._pool.version(job.package))
        version = self._catalog.current_version(job.name, digest, job.definition())
        self._versions.publish({job.name: version})
        return version

    def _current(self, job: Job, package_version: str | None) -> Version | None:
        if package_version is None:
            return self._catalog.version(job.name)
        digest = version_digest(job, package_version)
        return self._catalog.current_version(job.name, digest, job.definition())

    def _package_version(self, package: str) -> str | None:
        try:
            return self._pool.version(package)
        except (EngineUnavailable, EngineBusy):
            raise
        except EngineError as error:
            log.warning("version not known package=%s reason=%s", package, error)
            return None
