"""Request ids: the client's own, if it is harmless, or one made here."""

from __future__ import annotations

import re
import secrets
from itertools import count
from typing import Final

from starlette.types import Scope

from jobs.access_key import PREFIX

HEADER: Final = b"x-request-id"
_HARMLESS: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
_PREFIX: Final = PREFIX.encode()


class RequestIds:
    """Gives ids that no other process gives: a random beginning, and a number."""

    def __init__(self) -> None:
        self._beginning = secrets.token_hex(6)
        self._numbers = count(1)

    def of(self, scope: Scope) -> str:
        """Returns the id that the request brought, or one that is made for it.

        One that looks like an access key is not repeated anywhere.
        """
        for name, value in scope["headers"]:
            if name == HEADER and _HARMLESS.fullmatch(value) and _PREFIX not in value:
                return str(value, "ascii")
        return f"{self._beginning}-{next(self._numbers):x}"
