"""Definitions: the project's jobs as they were when its files last held no mistake."""

import logging

from jobs.job_set import JobSet
from jobs.project import Reading, read_project
from larder.settings import Settings

log = logging.getLogger(__name__)

COUNTER = "definitions of jobs"
"""Its name among the generations: counted up when changed files were read without a mistake."""


class Definitions:
    """The jobs of a project, `jobs` being those that are defined now.

    At first these are the jobs that are right, whatever else is in the files: a mistake made while
    the server was down must not keep it from starting. From then on, changes count all together
    or, if there is a mistake in any file, not at all.

    Args:
        settings: The project's.
        tell: Whether mistakes are logged here; one process of a server is enough.
    """

    def __init__(self, settings: Settings, *, tell: bool = False) -> None:
        self._settings = settings
        self._tell = tell
        reading = self._read()
        self.jobs = JobSet(reading.project.jobs.values())
        if tell:
            for problem in reading.problems:
                log.error("definition left out: %s", problem)

    def reload(self) -> bool:
        """Reads the files again; whether the jobs are others now."""
        reading = self._read()
        if reading.problems:
            if self._tell:
                for problem in reading.problems:
                    log.error("mistake in a job file: %s", problem)
                log.error("the last good definitions stay problems=%d", len(reading.problems))
            return False
        if dict(self.jobs) == dict(reading.project.jobs):
            return False
        self.jobs = JobSet(reading.project.jobs.values())
        if self._tell:
            log.info("definitions taken over jobs=%d", len(self.jobs))
        return True

    def _read(self) -> Reading:
        settings = self._settings
        name, zone = settings.project_name, settings.timezone
        return read_project(settings.folder, name=name, timezone=zone)
