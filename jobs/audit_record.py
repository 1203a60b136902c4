"""Audit records: what is kept of one call, and how it is chained to the one before.

The content of a row is JSON (RFC 8259) with its keys in order, no spaces, in UTF-8, without what is
not known. Its hash is SHA-256 of the hash before, a line feed and that content, so that anybody can
reckon it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Self

import orjson

from cache.clock import to_text

LONGEST: Final = 1000
"""Characters of a text that is kept whole."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LIMITS: Final = {"arguments": 8192, "caller": 200, "job": 200, "function": 200, "request_id": 128}


class AuditOutcome(StrEnum):
    """How an audited call ended."""

    DONE = "done"
    """It was answered."""
    REFUSED = "refused"
    """Whoever asked may not, or not so often."""
    FAILED = "failed"
    """It was answered with an error, or the run failed."""
    GONE = "gone"
    """Whoever asked went away before the answer."""
    LOST = "lost"
    """The process that worked on it ended before the answer."""


class CacheUse(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    """It was prepared."""
    STALE = "stale"
    """It was prepared, and is past its time."""
    MISS = "miss"
    """It was computed, and kept."""
    RUN = "run"
    """R ran, and nothing is kept for others."""
    NONE = "none"
    """No answer of R was asked for, or none was given."""


@dataclass(frozen=True)
class AuditRecord:
    """One call: a request, a run or a command.

    Attributes:
        at: When it began.
        operation: What it was; see `api.operations`. Runs and commands have names of their own.
        outcome: How it ended.
        caller: The name of the key, `scheduler`, or the system's user who gave a command.
        key_id: The key's number.
        role: The caller's.
        address: Where the request came from.
        method: The request's.
        target: The path of the request, its query left out; of others, what they were about.
        job: The job that it was about.
        function: The function that it was about, `package::name`.
        arguments_digest: SHA-256 of the arguments in one form.
        arguments: That form, where `audit.arguments` is `text`.
        answer: The ETag of what was answered.
        session_key: The session that the answer is, or came from.
        version: The beginning of the version digest of what made the answer.
        cache: Where the answer came from.
        status: The HTTP status.
        duration_us: Microseconds from the request to the end of its answer.
        request_id: Found in the log and in the answer as well.
        detail: What else there is to say.
    """

    at: datetime
    operation: str
    outcome: AuditOutcome
    caller: str = ""
    key_id: int | None = None
    role: str | None = None
    address: str | None = None
    method: str | None = None
    target: str | None = None
    job: str | None = None
    function: str | None = None
    arguments_digest: str | None = None
    arguments: str | None = None
    answer: str | None = None
    session_key: str | None = None
    version: str | None = None
    cache: CacheUse = CacheUse.NONE
    status: int | None = None
    duration_us: int | None = None
    request_id: str | None = None
    detail: str | None = None

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> Self:
        """Returns what a line of a spool says.

        Raises:
            ValueError, TypeError, KeyError: It says nothing that is understood.
        """
        given = {name: value for name, value in line.items() if name in FIELDS and value != ""}
        for name, value in given.items():
            if isinstance(value, str):
                given[name] = plain(value, _LIMITS.get(name, LONGEST))
        given["at"] = _EPOCH + timedelta(microseconds=line["at"])
        given["outcome"] = AuditOutcome(line["outcome"])
        given["cache"] = CacheUse(line.get("cache", CacheUse.NONE))
        return cls(**given)

    def values(self) -> dict[str, Any]:
        """Returns its fields by name."""
        return dict(vars(self))


FIELDS: Final = tuple(field.name for field in fields(AuditRecord))


@dataclass(frozen=True)
class AuditRow:
    """A record in the chain.

    Attributes:
        id: Its number; there are no gaps.
        record: What it says.
        hash: Of its content and the hash before.
    """

    id: int
    record: AuditRecord
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """What its hash is of, as plain values."""
        return content_of(self.id, self.record)


def content_of(row_id: int, record: AuditRecord) -> dict[str, Any]:
    """Returns the content of a row as plain values; what is not known is left out."""
    known = {name: value for name, value in record.values().items() if value not in (None, "")}
    return {**known, "id": row_id, "at": to_text(record.at)}


def hash_of(previous: str, content: Mapping[str, Any]) -> str:
    """Returns the hash of a row with this content, behind a row with that hash."""
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return sha256(previous.encode() + b"\n" + canonical).hexdigest()


def plain(text: str, longest: int = LONGEST) -> str:
    """Returns a text in one line: control characters written out, what is too long cut off.

    What is cut off is told by length and digest.
    """
    if len(text) <= longest and text.isprintable():
        return text
    shown = _CONTROL.sub(_written_out, text[: longest + 1])
    if len(text) <= longest and len(shown) <= longest:
        return shown
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    end = f"… ({len(text)} characters, sha256 {digest})"
    return shown[: max(0, longest - len(end))] + end


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
