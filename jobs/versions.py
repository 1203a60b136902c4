"""The current version of each job, for processes that ask on every hit.

The catalog is where versions are kept. What is current is published as one small JSON file,
replaced by one rename, and a shared counter says when to read it again: asking costs no SQL and no
system call. A writer renames first and bumps then, a reader looks at the counter first.
"""

import fcntl
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from cache.border import disk_border
from cache.clock import from_text, to_text
from cache.entry import Version
from cache.generations import Generations

log = logging.getLogger(__name__)

FORMAT: Final = 1
COUNTER: Final = "versions of jobs"
"""Its name among the generations; no function is called so."""


class Versions:
    """The published versions in one state folder.

    Args:
        path: Of the file.
        generations: The counters of the same folder.
    """

    def __init__(self, path: Path, generations: Generations) -> None:
        self._path = path
        self._generations = generations
        self._known: tuple[int, Mapping[str, Version]] = (-1, {})

    def current(self, job: str) -> Version | None:
        """The job's version; None as long as none was published."""
        generation = self._generations.read(COUNTER)
        known = self._known
        if known[0] != generation:
            known = self._known = (generation, self._read())
        return known[1].get(job)

    def publish(self, versions: Mapping[str, Version], *, whole: bool = False) -> bool:
        """Makes these versions current, and forgets all others if these are the `whole` of them.

        Returns:
            Whether anything changed.

        Raises:
            StoreFull: There is no room; what was published before still is.
            StoreUnavailable: The folder cannot be written.
        """
        with disk_border(self._path), self._alone():
            before = self._read()
            after = dict(versions) if whole else {**before, **versions}
            if after == before:
                return False
            aside = self._path.with_suffix(".new")
            aside.write_bytes(_to_json(after))
            aside.rename(self._path)
        self._generations.bump(COUNTER)
        return True

    def _read(self) -> dict[str, Version]:
        try:
            content = orjson.loads(self._path.read_bytes())
            return {
                job: Version(digest, from_text(since))
                for job, (digest, since) in content["jobs"].items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # Without versions answers are judged by their age alone, until the next publication.
            log.warning("versions cannot be read path=%s reason=%r", self._path.name, error)
            return {}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _to_json(versions: Mapping[str, Version]) -> bytes:
    jobs = {job: [version.digest, to_text(version.since)] for job, version in versions.items()}
    return orjson.dumps({"format": FORMAT, "jobs": jobs}, option=orjson.OPT_INDENT_2)
