"""Definitions: the project's jobs as they were when its files last held no mistake."""

import logging

from cache.clock import Clock, utcnow
from cache.errors import CacheError
from jobs.job_set import JobSet
from jobs.kept_files import KeptFiles
from jobs.live_definitions import LiveDefinitions
from jobs.project import Reading, file_name, job_files, read_project
from larder.settings import Settings

log = logging.getLogger(__name__)

COUNTER = "definitions of jobs"
"""Its name among the generations: counted up when changed files were read without a mistake."""


class Definitions:
    """The jobs of a project, `jobs` being those that are defined now.

    Changes count all together or, if there is a mistake in any file, not at all: what was defined
    before stays, also over a restart. Where the files were never right, it begins with the jobs
    that are: a mistake must not keep a server from starting.

    Args:
        settings: The project's.
        tell: Whether what comes of each reading is logged and written down for the others here;
            one process of a server is enough.
        clock: Gives the moment.
    """

    def __init__(self, settings: Settings, *, tell: bool = False, clock: Clock = utcnow) -> None:
        self._settings = settings
        self._tell = tell
        self._clock = clock
        reading = self._read()
        problems, now = reading.problems, clock()
        since = None if problems else now
        project = reading.project
        if problems and (kept := KeptFiles.read(settings.state_folder)) is not None:
            name, zone = settings.project_name, settings.timezone
            last = kept.project(settings.folder, name=name, timezone=zone)
            if last is not None:
                project, since = last, kept.live_since
        self.jobs = JobSet(project.jobs.values())
        self._live = LiveDefinitions(now, since, len(self.jobs), problems)
        if tell:
            stays = "definition left out" if since is None else "mistake in a job file"
            for problem in problems:
                log.error("%s: %s", stays, problem)
            self._write()

    def reload(self) -> bool:
        """Reads the files again; whether the jobs are others now."""
        reading = self._read()
        before = self._live
        self._live = before.found(self._clock(), reading.problems)
        changed = not reading.problems and dict(self.jobs) != dict(reading.project.jobs)
        if changed:
            self.jobs = JobSet(reading.project.jobs.values())
        if not reading.problems and (changed or before.live_since is None):
            self._live = LiveDefinitions(self._live.read_at, self._live.read_at, len(self.jobs))
        if self._tell:
            self._tell_of(before, changed=changed)
            self._write()
        return changed

    def _tell_of(self, before: LiveDefinitions, *, changed: bool) -> None:
        problems = self._live.problems
        for problem in problems:
            log.error("mistake in a job file: %s", problem)
        if problems:
            log.error("the last good definitions stay problems=%d", len(problems))
            return
        if before.problems:
            log.info("mistakes in the job files mended problems=%d", len(before.problems))
        if changed:
            log.info("definitions taken over jobs=%d", len(self.jobs))

    def _write(self) -> None:
        state, folder = self._settings.state_folder, self._settings.folder
        try:
            self._live.write(state)
            if self._live.valid and self._live.live_since is not None:
                files = {file_name(path, folder): path for path in job_files(folder)}
                texts = {name: path.read_text("utf-8-sig") for name, path in files.items()}
                KeptFiles(self._live.live_since, texts).write(state)
        except (CacheError, OSError, ValueError) as error:  # a file may have changed meanwhile
            log.warning("state of the definitions not written reason=%s", error)

    def _read(self) -> Reading:
        settings = self._settings
        name, zone = settings.project_name, settings.timezone
        return read_project(settings.folder, name=name, timezone=zone)
