"""Credentials: the key that a request shows."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from api.refusals import KeyInAddress
from jobs.access_key import PREFIX

QUERY_NAME: Final = b"key"
_KEY_BEGINS: Final = PREFIX.encode()


def take_key(scope: Scope, *, in_query: bool) -> str | None:
    """Returns the text of the key that a request shows; None where it shows none.

    `Authorization: Bearer KEY`, or `Basic` with the key as the password or the user's name, as
    clients of OpenCPU and the tools of the command line send it; `?key=` where that is on. A key
    leaves the query, so that it is no argument and in no log, link or cache key.

    Raises:
        KeyInAddress: a key stands in the query, where that is off.
    """
    queried = _take_from_query(scope, in_query=in_query) if scope["query_string"] else None
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if given:
        return _of_header(given[0]) if len(given) == 1 else ""
    return queried


def _take_from_query(scope: Scope, *, in_query: bool) -> str | None:
    query: bytes = scope["query_string"]
    if not in_query:
        if _KEY_BEGINS in query and any(
            _unescaped(value).startswith(_KEY_BEGINS)
            for name, _, value in (item.partition(b"=") for item in query.split(b"&"))
            if _unescaped(name) == QUERY_NAME
        ):
            raise KeyInAddress
        return None
    keys, others = [], []
    for item in query.split(b"&"):
        name, _, value = item.partition(b"=")
        if _unescaped(name) == QUERY_NAME:
            keys.append(_unescaped(value))
        else:
            others.append(item)
    if not keys:
        return None
    scope["query_string"] = b"&".join(others)
    return keys[0].decode("utf-8", "replace") if len(keys) == 1 else ""


def _unescaped(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))


def is_token(shown: str) -> bool:
    """Whether what is shown has the form of an issuer's token (JWT), which no key has."""
    return shown.startswith("eyJ") and shown.count(".") == 2


def _of_header(value: bytes) -> str:
    scheme, _, rest = value.strip().partition(b" ")
    given = rest.strip()
    if scheme.lower() == b"bearer":
        return given.decode("latin-1")
    if scheme.lower() == b"basic":
        try:
            user, _, password = base64.b64decode(given, validate=True).partition(b":")
        except binascii.Error:
            return ""
        return (password or user).decode("utf-8", "replace")
    return ""
