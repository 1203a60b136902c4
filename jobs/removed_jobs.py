"""RemovedJobs: what is left of jobs that are no longer defined, and how long it stays."""

import json
import logging
from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cache.border import disk_border
from cache.clock import Clock, from_text, to_text

log = logging.getLogger(__name__)

_FILE: Final = "removed.json"


class RemovedJobs:
    """Remembers until when files of removed jobs stay: its table of rows, the values of its grid.

    Entries in the store know that themselves; these files do not. They stay for the job's `keep`
    after it was removed, so that a job which comes back unchanged has its answers again.

    Args:
        state: The state folder.
        clock: Gives the moment.
    """

    def __init__(self, state: Path, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def follow(self, before: Mapping[str, Mapping[str, Any]], now_live: Container[str]) -> None:
        """Notes which jobs are gone, and which are back.

        Args:
            before: Entries of the jobs that were live, as `jobs.entry_facts` writes them.
            now_live: Names of those that are.

        Raises:
            StoreFull, StoreUnavailable: It cannot be written down.
        """
        known = self._known()
        stays = {job: until for job, until in known.items() if job not in now_live}
        for job, entry in before.items():
            if job not in now_live and job not in stays:
                stays[job] = self._clock() + timedelta(seconds=entry["cache"]["keep_s"])
                log.info("job removed job=%s answers_stay_until=%s", job, to_text(stays[job]))
        if stays != known:
            self._write(stays)

    def sweep(self) -> list[str]:
        """Removes the files of jobs whose time is over; gives their names.

        Raises:
            StoreFull, StoreUnavailable: Files cannot be removed, or that cannot be noted.
        """
        known = self._known()
        over = [job for job, until in known.items() if until <= self._clock()]
        for job in over:
            with disk_border(self._state):
                for file in self._files(job):
                    file.unlink(missing_ok=True)
            log.info("answers of a removed job are gone job=%s", job)
        if over:
            self._write({job: until for job, until in known.items() if job not in over})
        return over

    def _files(self, job: str) -> Iterator[Path]:
        yield self._state / "grids" / f"{job}.json"
        for ending in ("", "-wal", "-shm"):
            yield self._state / "rows" / f"{job}.db{ending}"

    def _known(self) -> dict[str, datetime]:
        try:
            written = json.loads((self._state / _FILE).read_bytes())
            return {job: from_text(until) for job, until in written.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("removed jobs not known reason=%s", error)
            return {}

    def _write(self, stays: Mapping[str, datetime]) -> None:
        file = self._state / _FILE
        with disk_border(file):
            aside = file.with_suffix(".new")
            aside.write_text(json.dumps({job: to_text(until) for job, until in stays.items()}))
            aside.replace(file)
