"""Finds out which version of each job is the current one, and tells everybody."""

import logging
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Final

from cache.entry import Version
from engine.code_version import CodeVersion
from engine.errors import EngineBusy, EngineError, EngineUnavailable
from jobs.entry_facts import entry_facts
from jobs.evaluator import Evaluator
from jobs.job import Job
from jobs.repository import Catalog
from jobs.versions import Versions

log = logging.getLogger(__name__)

CODE: Final = "code"
"""In the definition of a version that was written down: the R code beside the job's entry."""


def version_digest(job: Job, code: CodeVersion) -> str:
    """32 hex digits of what decides a job's answers: its entry, and the R code it uses."""
    text = f"{job.digest}\n{code}"
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
        codes: dict[str, CodeVersion | None] = {}
        current: dict[str, Version] = {}
        known = list(jobs)
        for job in known:
            if job.package not in codes:
                codes[job.package] = self._code(job.package)
            version = self._current(job, codes[job.package])
            if version is not None:
                current[job.name] = version
        self._catalog.set_live({job.name: entry_facts(job) for job in known}, whole=True)
        if self._versions.publish(current, whole=True):
            log.info("versions published jobs=%d", len(current))
        return current

    def renew(self, job: Job) -> Version:
        """Publishes the version of one job and gives it.

        Raises:
            EngineError: R cannot be asked, or the package is not there.
            CatalogUnavailable, StoreFull, StoreUnavailable: It cannot be written down.
        """
        version = self._written_down(job, self._pool.version(job.package))
        self._catalog.set_live({job.name: entry_facts(job)})
        self._versions.publish({job.name: version})
        return version

    def preview(self, job: Job, now: datetime) -> Version:
        """The version that a run would compute if it began now; writes nothing.

        Raises:
            EngineError: R cannot be asked, or the package is not there.
            CatalogUnavailable: The catalog cannot be read.
        """
        digest = version_digest(job, self._pool.version(job.package))
        known = self._catalog.version(job.name)
        return known if known is not None and known.digest == digest else Version(digest, now)

    def code(self, job: Job) -> CodeVersion:
        """The R code that the job would use now.

        Raises:
            EngineError: R cannot be asked, or the package is not there.
        """
        return self._pool.version(job.package)

    def _current(self, job: Job, code: CodeVersion | None) -> Version | None:
        return self._catalog.version(job.name) if code is None else self._written_down(job, code)

    def _written_down(self, job: Job, code: CodeVersion) -> Version:
        made_of = {**job.definition(), CODE: code.facts()}
        return self._catalog.current_version(job.name, version_digest(job, code), made_of)

    def _code(self, package: str) -> CodeVersion | None:
        try:
            return self._pool.version(package)
        except (EngineUnavailable, EngineBusy):
            raise
        except EngineError as error:
            log.warning("version not known package=%s reason=%s", package, error)
            return None
