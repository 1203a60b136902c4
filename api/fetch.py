"""Fetches what an issuer publishes: small documents, in bounded time, never on the event loop."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import orjson

from api.refusals import IssuerUnreachable

WITHIN_S: Final = 5.0
"""For all of an answer; whoever asked waits meanwhile."""
LARGEST_BYTES: Final = 512 * 1024
_TURNS: Final = anyio.CapacityLimiter(4)
"""A slow issuer must not take the threads that everything else is done in."""
_HEADERS: Final = {"Accept": "application/json", "User-Agent": "Larder"}


@dataclass(frozen=True)
class Document:
    """What was answered.

    Attributes:
        status: Of the answer.
        members: Of its JSON object; none where it is no such thing.
    """

    status: int
    members: dict[str, Any]


async def fetch(
    address: str, form: str | None = None, headers: Mapping[str, str] | None = None
) -> Document:
    """Returns what is at an address, or what a form posted there gets; redirects are not followed.

    Raises:
        IssuerUnreachable: nothing came, too late, or too much.
    """
    ask = partial(_ask, address, form, {**_HEADERS, **(headers or {})})
    try:
        with anyio.fail_after(WITHIN_S):
            # A server that sends a byte now and then keeps the thread, but not who waits for it.
            return await anyio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=_TURNS)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise IssuerUnreachable(urlsplit(address).netloc) from error


def _ask(address: str, form: str | None, headers: Mapping[str, str]) -> Document:
    parts = urlsplit(address)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    connection = (
        http.client.HTTPConnection(host, parts.port, timeout=WITHIN_S)
        if parts.scheme == "http"
        else http.client.HTTPSConnection(
            host, parts.port, timeout=WITHIN_S, context=ssl.create_default_context()
        )
    )
    try:
        connection.request("GET" if form is None else "POST", path, form, dict(headers))
        answer = connection.getresponse()
        content = answer.read(LARGEST_BYTES + 1)
    finally:
        connection.close()
    if len(content) > LARGEST_BYTES:
        raise OSError(f"more than {LARGEST_BYTES} bytes")
    return Document(answer.status, _members(content))


def _members(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
