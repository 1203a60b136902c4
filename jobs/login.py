"""Logins: who signed in with a browser, and until when."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobs.role import Role

_RANDOM_BYTES: Final = 30


@dataclass(frozen=True)
class Login:
    """A row of the catalog.

    Attributes:
        digest: SHA-256 of its ticket, in hexadecimal; the ticket itself is in the browser alone.
        name: Who signed in.
        role: What they may do.
        functions: Patterns of the functions that they may call; none allows all.
        jobs: Patterns of the jobs whose answers they may read; none allows all.
        key_id: The access key that they signed in with, whose rights hold as long as it does;
            None if an issuer told who they are.
        created_at: When they signed in.
        expires_at: From when they have to sign in again.
    """

    digest: str
    name: str
    role: Role
    functions: tuple[str, ...]
    jobs: tuple[str, ...]
    key_id: int | None
    created_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Whether they are still signed in."""
        return now < self.expires_at


def new_ticket() -> str:
    """What a browser shows from now on: 240 random bits, new at every login."""
    return secrets.token_urlsafe(_RANDOM_BYTES)
