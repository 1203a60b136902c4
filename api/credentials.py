"""Credentials: the key that a request shows."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Scope

QUERY_NAME: Final = "key"


def shown_key(scope: Scope, *, in_query: bool) -> str | None:
    """Returns the text of the key that a request shows; None where it shows none.

    `Authorization: Bearer KEY`, or `Basic` with the key as the password or the user's name, as
    clients of OpenCPU and the tools of the command line send it; `?key=` where that is on.
    """
    for name, value in scope["headers"]:
        if name == b"authorization":
            return _of_header(value)
    if in_query and scope["query_string"]:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        return next((value for name, value in pairs if name == QUERY_NAME), None)
    return None


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
