"""The audit's spool: what a process writes down of each call, before the call is answered.

Each line is one `write` to a file that only grows, so a process that is killed leaves all that it
wrote, and nobody waits for a database. `AuditGatherer` takes the lines into the catalog. A process
holds a lock on its file: where there is none, nothing more is coming.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from jobs.audit_record import AuditOutcome

log = logging.getLogger(__name__)

FOLDER: Final = "audit"
ENDING: Final = ".spool"
FULL_BYTES: Final = 4 * 1024 * 1024
"""A file of this size is left to be gathered, and another begun."""
_LOOK_EACH_NS: Final = 1_000_000_000
_TELL_EACH_S: Final = 60.0


class AuditSpool:
    """Where one process writes; for any number of threads, not after a fork.

    The file is made when it is first needed.

    Args:
        state: The state folder.
        now_ns: The time of day, in nanoseconds.
    """

    def __init__(self, state: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._folder = state / FOLDER
        self._now_ns = now_ns
        self._name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._turn = Lock()
        self._file: int | None = None
        self._number = 0
        self._size = 0
        self._looked_ns = 0
        self._calls = count(1)
        self._missed = 0
        self._told_at = float("-inf")

    def next_call(self) -> int:
        """Returns a number for a call, which its lines have in common."""
        return next(self._calls)

    @property
    def is_writing(self) -> bool:
        """Whether the last line could be written."""
        return self._file is not None and not self._missed

    def write(self, line: dict[str, Any]) -> bool:
        """Writes down a line; whether it is there. That it is not is logged, and told later on."""
        try:
            with self._turn:
                self._write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            self._missed += 1
            self._tell(error)
            return False
        return True

    @contextmanager
    def noted(self, **begun: Any) -> Iterator[dict[str, Any]]:
        """Notes what is done in the block: that it began, and how it ended.

        Args:
            begun: The fields of `AuditRecord` that are known before.

        Yields:
            The fields that the block may add to.
        """
        line = {"call": self.next_call(), "at": self._now_ns() // 1000, **begun}
        self.write({**line, "begun": True})
        ended: dict[str, Any] = {"outcome": AuditOutcome.DONE}
        try:
            yield ended
        except BaseException as error:
            ended["outcome"] = AuditOutcome.FAILED
            ended.setdefault("detail", type(error).__name__)
            raise
        finally:
            took_us = self._now_ns() // 1000 - line["at"]
            self.write({**line, "duration_us": max(0, took_us), "was_begun": True, **ended})

    def close(self) -> None:
        """Writes nothing more; what was written is gathered."""
        with self._turn:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self, line: bytes) -> None:
        now_ns = self._now_ns()
        is_time = now_ns - self._looked_ns > _LOOK_EACH_NS
        if self._file is None or self._size > FULL_BYTES or is_time:
            self._looked_ns = now_ns
            self._look()
        if self._missed:
            self._put(orjson.dumps({"missed": self._missed, "at": now_ns // 1000}) + b"\n")
            self._missed = 0
        self._put(line)

    def _put(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101  # _look() has made it, or raised
        written = os.write(self._file, line)
        if written != len(line):  # the disk is full: no half of a line must stay
            os.ftruncate(self._file, self._size)
            raise OSError("no room for a whole line")
        self._size += written

    def _look(self) -> None:
        """Sees to it that there is a file, with room, that somebody else can find."""
        if self._file is not None and self._size <= FULL_BYTES:
            if os.fstat(self._file).st_nlink:
                return
            log.error("audit spool was removed name=%s", self._name)
        try:
            made = self._make()
        except OSError:
            if self._file is None:
                raise
            return  # the old one still takes lines
        if self._file is not None:
            os.close(self._file)
        self._file, self._size = made, 0

    def _make(self) -> int:
        """Makes the next file, locked before anybody can find it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{self._name}.{self._number + 1:06}{ENDING}"
        hidden = path.with_suffix(".new")
        file = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            hidden.rename(path)
        except OSError:
            os.close(file)
            raise
        self._number += 1
        return file

    def _tell(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._told_at > _TELL_EACH_S:
            self._told_at = now
            log.error("calls not audited count=%d reason=%s", self._missed, error)
