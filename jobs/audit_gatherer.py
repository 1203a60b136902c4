"""Gathering: what processes of this machine spooled goes into the chain, each line once.

A file is read from where the catalog says that it was read to, which changes in the transaction
that keeps its lines. It is removed when it is all there and its writer holds it no more; a file
that is gone is noted after that, so that a kill in between only leaves a note to be taken away.
"""

from __future__ import annotations

import fcntl
import os
import re
from itertools import groupby
from pathlib import Path
from typing import Final

from cache.border import disk_border
from jobs.audit_checkpoint import note_checkpoint
from jobs.audit_spool import ENDING, FOLDER
from jobs.repository import Catalog

PART_BYTES: Final = 512 * 1024
"""How much is taken in one transaction."""
LOCK: Final = "lock"
_NAME: Final = re.compile(r"(\d+-[0-9a-f]{16})\.(\d{6})" + re.escape(ENDING))


class AuditGatherer:
    """Moves the lines of all spools of a state folder into the catalog.

    Any number of threads and processes may gather: they take turns.

    Args:
        state: The state folder.
        catalog: Where the chain is.
    """

    def __init__(self, state: Path, catalog: Catalog) -> None:
        self._state = state
        self._folder = state / FOLDER
        self._catalog = catalog

    def gather(self) -> None:
        """Moves what is there, and notes where the chain ends then.

        Raises:
            CatalogError: The catalog does not take it; what is not there yet stays spooled.
            StoreUnavailable: The spools cannot be read.
        """
        with disk_border(self._folder):
            if not self._folder.is_dir():
                return
            lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._gather()
            finally:
                os.close(lock)

    def _gather(self) -> None:
        found = sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        for writer, paths in groupby(found, key=lambda path: path.name.partition(".")[0]):
            self._of_writer(writer, list(paths))
        note_checkpoint(self._state, self._catalog)

    def _of_writer(self, writer: str, paths: list[Path]) -> None:
        final = [path for path in paths if _is_let_go(path)]  # first: nothing is written after that
        for path in paths:
            self._take(path)
        if len(final) == len(paths):
            self._catalog.end_writer(writer)
        for path in final:
            path.unlink()
            self._catalog.forget_spool(path.name)

    def _take(self, path: Path) -> None:
        """Takes all lines of a file that are whole."""
        offset = self._catalog.spool_offset(path.name)
        with path.open("rb") as file:
            file.seek(offset)
            while part := file.read(PART_BYTES):
                size = part.rfind(b"\n") + 1
                if not size and len(part) == PART_BYTES:  # longer than any line that we write
                    size = len(part)
                if not size:
                    return
                lines = [line for line in part[:size].split(b"\n") if line]
                self._catalog.take_spooled(path.name, offset, lines, offset + size)
                offset += size
                file.seek(offset)


def _is_let_go(path: Path) -> bool:
    """Whether its writer holds it no more."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True
