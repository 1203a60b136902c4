"""What the headers of an answer tell the audit: where it came from, and which it is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from jobs.audit_record import CacheUse

Pair = tuple[bytes, bytes]

_TOLD: Final = frozenset((b"cache-status", b"x-ocpu-session", b"etag", b"larder-job"))


def answer_facts(headers: Iterable[Pair]) -> dict[str, Any]:
    """Returns the fields of an audit record that these headers tell; not to be changed."""
    return _facts(tuple([pair for pair in headers if pair[0] in _TOLD]))


@lru_cache(maxsize=4096)  # the same answer is often given many times within a second
def _facts(pairs: tuple[Pair, ...]) -> dict[str, Any]:
    told = {name: value.decode("latin-1") for name, value in pairs}
    job, _, version = told.get(b"larder-job", "").partition("; version=")
    facts = {
        "version": version,
        "answer": told.get(b"etag", ""),
        "session_key": told.get(b"x-ocpu-session", ""),
        "cache": _use(told),
    }
    return facts | {"job": job} if job else facts


def _use(told: dict[bytes, str]) -> CacheUse:
    said = told.get(b"cache-status")
    if said is None:
        return CacheUse.RUN if b"x-ocpu-session" in told else CacheUse.NONE
    if "; hit" in said:
        return CacheUse.STALE if said.endswith("detail=stale") else CacheUse.HIT
    return CacheUse.MISS
