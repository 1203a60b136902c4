"""Which definition of each job is the current one, and since when."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select

from cache.entry import Version
from jobs.database import Database
from jobs.models import job_versions
from jobs.records import JobVersion


class VersionRows(Database):
    """Questions about job versions; part of `Catalog`."""

    def current_version(
        self, job: str, digest: str, definition: Mapping[str, Any] | None = None
    ) -> Version:
        """Returns since when `digest` is the job's version, writing it down when it is new.

        Going back to an earlier definition counts as a change: its row is a new one, so that
        answers of the version between are stale from then on.
        """
        known = self.version(job)
        if known is not None and known.digest == digest:
            return known
        with self._write() as connection:
            newest = connection.execute(_newest(job)).first()
            if newest is not None and newest.digest == digest:  # another process was quicker
                return Version(newest.digest, newest.since)
            since = self._clock()
            row = {"job": job, "digest": digest, "since": since}
            connection.execute(insert(job_versions).values(**row, definition=definition or {}))
            return Version(digest, since)

    def version(self, job: str) -> Version | None:
        """Returns the job's version as last written down; changes nothing."""
        with self._read() as connection:
            newest = connection.execute(_newest(job)).first()
        return None if newest is None else Version(newest.digest, newest.since)

    def versions(self, job: str) -> list[JobVersion]:
        """Returns every version the job has had, newest first."""
        query = (
            select(job_versions).where(job_versions.c.job == job).order_by(job_versions.c.id.desc())
        )
        with self._read() as connection:
            return [_to_version(row) for row in connection.execute(query)]


def _newest(job: str) -> Any:
    columns = select(job_versions.c.digest, job_versions.c.since)
    return columns.where(job_versions.c.job == job).order_by(job_versions.c.id.desc()).limit(1)


def _to_version(row: Row[Any]) -> JobVersion:
    return JobVersion(row.job, row.digest, row.since, row.definition)
