"""Access keys: what is known of one, and the text that is shown once and proves it."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from jobs.role import Role

PREFIX: Final = "larder_"
"""Every key begins so: whoever finds one in a file or a log sees what it is."""
_RANDOM_BYTES: Final = 30
HINT_CHARACTERS: Final = len(PREFIX) + 4
_TEXT: Final = re.compile(PREFIX + r"[A-Za-z0-9_-]{40}")
_HIDDEN: Final = PREFIX + "[hidden]"


@dataclass(frozen=True)
class AccessKey:
    """A row of the catalog.

    Attributes:
        id: Its number.
        name: Who it is for. A key and the one that takes its place have the same.
        role: What it may do.
        digest: SHA-256 of its text, in hexadecimal.
        hint: How its text begins, to recognise it by.
        functions: Patterns of the functions that may be called, as `stats::*`; none allows all.
        jobs: Patterns of the jobs whose answers may be read; none allows all.
        origins: Pages it may be used from, as `https://app.example.com`; none is any that the
            server allows.
        rate: Requests in a time, as `100/minute`; None is without limit.
        created_at: When it was made.
        expires_at: From when it is refused; None is never.
        revoked_at: Since when it is refused; None is not.
        last_used_at: When it was last shown, to the minute or so.
        concurrent: Calls that run for it at a time, further ones wait; None is the server's own.
        r_seconds: Seconds of R in a day; None is the server's own.
    """

    id: int
    name: str
    role: Role
    digest: str
    hint: str
    functions: tuple[str, ...]
    jobs: tuple[str, ...]
    origins: tuple[str, ...]
    rate: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    concurrent: int | None = None
    r_seconds: float | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_secret() -> str:
    """A key's text: 240 random bits, which nobody guesses and no slow digest has to protect."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(secret: str) -> str:
    """What is stored of a key's text."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hide_keys(text: str) -> str:
    """The text without what looks like the text of a key, for logs and the audit."""
    return _TEXT.sub(_HIDDEN, text) if PREFIX in text else text
