"""Records of calls: those that somebody comes back for, and those that ended without a session."""

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from cache.border import disk_border
from cache.clock import Clock, from_text, to_text
from cache.errors import CacheError
from cache.sessions import is_session_key

_log = logging.getLogger(__name__)

FORMAT: Final = 1
_SUFFIX: Final = ".json"


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """One call.

    ``key`` is that of the session which it makes. ``owner`` names the process that has it in hand.
    ``address`` says where its answer will be: a path, or below its session. ``session_key`` is
    the session that has the answer: another than its own where somebody else was making the same.
    ``caller`` is who asked for it. ``failure`` is the class of the error that it ended with, and
    ``reason`` the message. ``extra`` holds what a later Larder of the same format added.
    """

    key: str
    function: str
    began_at: datetime
    owner: str = ""
    address: str = ""
    session_key: str | None = None
    ended_at: datetime | None = None
    failure: str | None = None
    reason: str | None = None
    caller: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The content of its file; ``from_json`` reads it back as it was."""
        return orjson.dumps(
            {
                **self.extra,
                "format": FORMAT,
                "key": self.key,
                "function": self.function,
                "began_at": to_text(self.began_at),
                "owner": self.owner,
                "address": self.address,
                "session_key": self.session_key,
                "ended_at": None if self.ended_at is None else to_text(self.ended_at),
                "failure": self.failure,
                "reason": self.reason,
                "caller": self.caller,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> "CallRecord":
        """The record in this file.

        Raises:
            ValueError: it makes no sense, or a later Larder wrote it.
        """
        found: dict[str, Any] = orjson.loads(data)
        try:
            if found.pop("format") > FORMAT:
                raise ValueError("a later Larder wrote it")
            ended_at = found.pop("ended_at")
            names = ("key", "function", "owner", "address", "session_key", "failure", "reason")
            return cls(
                **{name: found.pop(name) for name in names},
                caller=str(found.pop("caller", "")),
                began_at=from_text(found.pop("began_at")),
                ended_at=None if ended_at is None else from_text(ended_at),
                extra=found,
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(repr(error)) from error


class CallRecords:
    """The records in one folder, a file each; for any number of threads and processes.

    Args:
        root: The folder; it is made with the first record.
        clock: Gives the moment.
        keep_s: How long one stays: as long as a session does. None: until it is swept.
    """

    def __init__(self, root: Path, *, clock: Clock, keep_s: float | None = None) -> None:
        self._root = root
        self._clock = clock
        self._keep_s = keep_s

    def get(self, key: str) -> CallRecord | None:
        """The record of this call; None where there is none, or its time is over.

        Raises:
            StoreUnavailable: the disk refuses.
        """
        record = self._read(self._root / f"{key}{_SUFFIX}") if is_session_key(key) else None
        return None if record is None or self._is_old(record, self._keep_s) else record

    def put(self, record: CallRecord) -> None:
        """Writes a record, whole or not at all.

        Raises:
            StoreFull, StoreUnavailable: the disk refuses.
        """
        aside = self._root / f".{secrets.token_hex(8)}"
        with disk_border(self._root):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                aside.write_bytes(record.to_json())
                aside.replace(self._root / f"{record.key}{_SUFFIX}")
            except OSError:
                aside.unlink(missing_ok=True)
                raise

    def end(
        self,
        key: str,
        function: str,
        *,
        session_key: str | None = None,
        failure: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Notes how a call ended; what was noted first stands.

        A disk that refuses goes to the log: whoever waits is to hear how the call ended, not this.
        """
        now = self._clock()
        try:
            begun = self.get(key) or CallRecord(key=key, function=function, began_at=now)
            if begun.ended_at is None:
                ended = replace(begun, ended_at=now, failure=failure, reason=reason)
                self.put(replace(ended, session_key=session_key))
        except CacheError as error:
            _log.error("end of call not noted key=%s reason=%s", key, error)

    def sweep(self, keep_s: float) -> int:
        """Removes what is older, and what a crash left half-written; how many there were.

        Raises:
            StoreUnavailable: the disk refuses.
        """
        removed = 0
        for path in self._files():
            record = self._read(path) if path.suffix == _SUFFIX else None
            if record is not None and not self._is_old(record, keep_s):
                continue
            if record is None and self._is_new(path):
                continue  # being written
            with disk_border(self._root):
                path.unlink(missing_ok=True)
            removed += 1
        return removed

    def _files(self) -> Iterator[Path]:
        with disk_border(self._root):
            if self._root.is_dir():
                yield from self._root.iterdir()

    def _read(self, path: Path) -> CallRecord | None:
        with disk_border(self._root):
            try:
                return CallRecord.from_json(path.read_bytes())
            except FileNotFoundError:
                return None
            except ValueError as error:
                _log.warning("record of call not read file=%s reason=%s", path.name, error)
                return None

    def _is_old(self, record: CallRecord, keep_s: float | None) -> bool:
        if keep_s is None:
            return False
        return (record.ended_at or record.began_at) + timedelta(seconds=keep_s) <= self._clock()

    def _is_new(self, path: Path) -> bool:
        with disk_border(self._root):
            try:
                changed_s = path.stat().st_mtime
            except FileNotFoundError:
                return True
        return changed_s > self._clock().timestamp() - 60
