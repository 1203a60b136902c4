"""The names that this server answers to: the Host header of a request, checked.

A page of anywhere can give its own name the address 127.0.0.1 and so call a server of this machine
as if it were its own (DNS rebinding). The browser still sends that name as the Host.
Nothing but a browser can be led so; what is none may call the server what it likes, as OpenCPU's.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from api.errors import BadRequest
from api.refusals import HostUnknown

HOST: Final = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d+)?", re.ASCII)
"""What a Host header may say: a name or an address, and a port."""


BROWSERS: Final = frozenset({b"accept-language", b"origin", b"referer", b"cookie"})
"""Headers of browsers. The first is in all they send: a page can change it, not leave it out."""


@dataclass(frozen=True)
class Hosts:
    """Which names are answered to.

    Attributes:
        names: Names without port, in small letters; `*.example.com` has all below it. None is any.
        of_browsers: Whether only requests of browsers have to be for one of them.
    """

    names: frozenset[str] | None = None
    of_browsers: bool = False

    def check(self, scope: Scope) -> None:
        """Does nothing if a request is for this server.

        Raises:
            BadRequest: it has no Host header, or not one that can be read (RFC 9112, 3.2).
            HostUnknown: it is for another name.
        """
        given = [value for name, value in scope["headers"] if name == b"host"]
        if not given and scope.get("http_version") == "1.0":
            return  # no browser
        if len(given) != 1:
            raise BadRequest(f"a request has one Host header; this one has {len(given) or 'none'}")
        found = HOST.fullmatch(given[0].decode("latin-1"))
        if found is None:
            raise BadRequest("the Host header is no name or address")
        if self.names is None or _is_one_of(found[1].lower().rstrip("."), self.names):
            return
        if not self.of_browsers or is_of_browser(scope):
            raise HostUnknown(found[1])


def is_of_browser(scope: Scope) -> bool:
    """Whether a browser sent the request: each adds what no page can take away again."""
    return any(name in BROWSERS or name.startswith(b"sec-") for name, _ in scope["headers"])


@lru_cache(maxsize=1024)
def _is_one_of(name: str, names: frozenset[str]) -> bool:
    if name in names or is_loopback(name):
        return True
    above = name.split(".")
    return any(f"*.{'.'.join(above[place:])}" in names for place in range(1, len(above)))


def is_loopback(name: str) -> bool:
    """Whether a name is one of every machine for itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
