"""Prefer: respond-async (RFC 7240): the answer is to come later, not over this connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True)
class RespondAsync:
    """Somebody who comes back for the answer, unless it is there within `wait_s`."""

    wait_s: float = 0.0


def read_preference(headers: Iterable[tuple[bytes, bytes]]) -> RespondAsync | None:
    """Returns what the request's headers prefer; None for an answer as usual.

    `wait=N` beside it is in seconds. Of a preference that is given twice the first counts, and one
    that is not understood is none, as RFC 7240 has it.
    """
    said = ",".join(value.decode("latin-1") for name, value in headers if name == b"prefer")
    wanted: dict[str, str] = {}
    for part in said.lower().split(",") if said else ():
        name, _, value = part.partition(";")[0].partition("=")
        wanted.setdefault(name.strip(), value.strip().strip('"'))
    if "respond-async" not in wanted:
        return None
    wait = wanted.get("wait", "")
    return RespondAsync(min(float(wait), LONGEST_WAIT_S) if wait.isdecimal() else 0.0)
