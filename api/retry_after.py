"""Retry-After: when who was turned away may come back."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from math import ceil

from api.errors import status_of
from api.refusals import RateExceeded
from api.reply import Headers

LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
UNKNOWN_S = 1.0
"""Where nobody can tell: an engine that is being started is there in about that."""
LONGEST_S = 86_400.0
PAUSE_S = 0.1
"""How long one who was turned away waits for hearing so. It costs nothing but a timer, and so a
flood is as fast as it has connections, whatever it costs to refuse it."""


def retry_headers(error: Exception) -> Headers:
    """Returns what an error's answer says of the time after which it may be another one."""
    if status_of(error) not in LATER:
        return ()
    after_s: float = getattr(error, "retry_after_s", UNKNOWN_S)
    headers: Headers = (("Retry-After", str(max(1, ceil(min(after_s, LONGEST_S))))),)
    return (*headers, *error.headers) if isinstance(error, RateExceeded) else headers


async def pause() -> None:
    """Lets time pass before somebody is told that they were turned away."""
    await asyncio.sleep(PAUSE_S)
