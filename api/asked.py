"""What a request asks, for the audit: its path, and its arguments in one form.

The arguments are a list of names and values from query and body, in order. A form's field and a
member of a JSON object that R would read the same are written the same. What has no such form, as
an upload, counts by its bytes. The access key is no argument. By their digest it can be told who
asked the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import Scope

from api.credentials import QUERY_NAME
from api.form import FORM, form_pairs
from jobs.access_key import hide_keys
from jobs.audit_record import plain

SMALL_BYTES: Final = 64 * 1024
"""A body up to this size is read; of a larger one the bytes count."""
REMEMBERED: Final = 4096
LONGEST_REMEMBERED: Final = 4096


@dataclass(frozen=True)
class Asked:
    """What was asked.

    Attributes:
        target: The path as it came, in one line.
        digest: SHA-256 of the arguments; None where there are none.
        arguments: They as JSON.
    """

    target: str
    digest: str | None
    arguments: str | None


class ReceivedBody:
    """A body as it passes by: as long as it is small all of it, else its digest so far."""

    __slots__ = ("_digest", "small")

    def __init__(self) -> None:
        self.small = b""
        self._digest: Any = None

    def add(self, part: bytes) -> None:
        """Takes in the next part."""
        if self._digest is not None:
            self._digest.update(part)
        elif len(self.small) + len(part) > SMALL_BYTES:
            self._digest = hashlib.sha256(self.small)
            self._digest.update(part)
            self.small = b""
        else:
            self.small += part

    def digest(self) -> str:
        """Returns the digest of its bytes; empty where it is small."""
        return "" if self._digest is None else self._digest.hexdigest()


class RequestReader:
    """Reads requests; what is asked again and again is read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes, bytes], Asked] = {}

    def read(self, scope: Scope, body: ReceivedBody | None) -> Asked:
        """Returns what a request asks, as far as its body has come."""
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
        query: bytes = scope["query_string"]
        if body is None:
            key = (path, query, b"", b"")
        elif body.digest():
            return _asked(path, _pairs_of_query(query), body.digest())
        else:
            key = (path, query, body.small, _content_type(scope))
        known = self._known.get(key)
        if known is None:
            known = _read(*key)
            if len(path) + len(query) + len(key[2]) <= LONGEST_REMEMBERED:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[key] = known
        return known


def shown_path(raw: bytes) -> str:
    """Returns a path as it came, in one line, without its query and without keys."""
    return plain(hide_keys(raw.partition(b"?")[0].decode("latin-1")))


def _read(path: bytes, query: bytes, body: bytes, content_type: bytes) -> Asked:
    pairs = _pairs_of_query(query)
    if not body:
        return _asked(path, pairs)
    kind = content_type.partition(b";")[0].strip().lower()
    try:
        if kind == FORM.encode():
            return _asked(path, pairs + form_pairs(body))
        if kind == b"application/json" and isinstance(given := orjson.loads(body), dict):
            return _asked(path, pairs + [(name, _json(value)) for name, value in given.items()])
    except (ValueError, TypeError):
        pass  # whoever answers says what is wrong with it
    return _asked(path, pairs, hashlib.sha256(body).hexdigest())


def _pairs_of_query(query: bytes) -> list[tuple[str, str]]:
    if not query:
        return []
    return [pair for pair in form_pairs(query) if pair[0] != QUERY_NAME.decode()]


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _asked(path: bytes, pairs: list[tuple[str, str]], body: str = "") -> Asked:
    """What is asked by these arguments, and a body with this digest that has no such form."""
    target = shown_path(path)
    if body:
        pairs = [*pairs, ("", f"sha256:{body}")]
    if not pairs:
        return Asked(target, None, None)
    plain_pairs = [[_utf8(name), _utf8(value)] for name, value in sorted(pairs)]
    text = hide_keys(orjson.dumps(plain_pairs).decode())
    return Asked(target, hashlib.sha256(text.encode()).hexdigest(), text)


def _content_type(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"content-type"), b"")


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
