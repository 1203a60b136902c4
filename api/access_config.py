"""What an operator decides about access."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.rate import Rate
from jobs.role import Role


@dataclass(frozen=True)
class AccessConfig:
    """Who may ask.

    Attributes:
        is_open: Whether everybody may who reaches the server, as long as no key was ever made.
        key_in_query: Whether `?key=` counts.
        anonymous: The role of who shows no key, for what asks for none.
        rate: Requests of one address that show no valid key; None is without limit.
        failures: Of those the ones refused because of that; None is without limit.
        concurrent: Calls of one caller that run at a time, unless the key says its own; None is
            without limit.
        queue: Calls of one caller that wait.
        r_seconds: Seconds of R in a day for one caller, unless the key says its own; None is
            without limit.
        body_limit_bytes: Of a request by who may send no code and no files.
    """

    is_open: bool = True
    key_in_query: bool = False
    anonymous: Role = Role.VIEWER
    rate: Rate | None = None
    failures: Rate | None = None
    concurrent: int | None = None
    queue: int = 100
    r_seconds: float | None = None
    body_limit_bytes: int = 16 * 2**20
