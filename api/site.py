"""The site: this server as browsers see it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

_COOKIE: Final = "larder"
_HOST: Final = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?", re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Site:
    """Where browsers find this server.

    Attributes:
        url: As its operator says; None takes the address that a request names.
    """

    url: str | None = None

    def base(self, scope: Scope) -> str:
        """The address that paths are behind, without a slash at its end."""
        return (self.url or f"{scope['scheme']}://{_host(scope)}").rstrip("/")

    def is_secure(self, scope: Scope) -> bool:
        """Whether the browser's side is encrypted."""
        return self.base(scope).startswith("https://")

    def keeps_cookies(self, scope: Scope) -> bool:
        """Whether a cookie that nobody else may read gets to the browser and back."""
        return self.is_secure(scope) or is_loopback(urlsplit(self.base(scope)).hostname or "")

    def is_own(self, origin: str, scope: Scope) -> bool:
        """Whether a page of this origin is one of this server."""
        asked = origin.partition("://")[2]
        return bool(asked) and asked in (_host(scope), urlsplit(self.base(scope)).netloc)

    def cookie_name(self, scope: Scope, more: str = "") -> str:
        """The name of a cookie; what begins so, browsers take from this host alone, encrypted.

        On loopback the port is in it: servers there share their cookies.
        """
        if self.is_secure(scope):
            return f"__Host-{_COOKIE}{more}"
        port = urlsplit(self.base(scope)).netloc.rpartition(":")[2]
        return f"{_COOKIE}-{port if port.isdigit() else 80}{more}"

    def set_cookie(self, scope: Scope, name: str, value: str, age_s: int) -> tuple[str, str]:
        """The header that has the browser keep a cookie; an age of nothing takes it away."""
        secure = "; Secure" if self.is_secure(scope) else ""
        kept = f"{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
        return "Set-Cookie", kept


def cookie(scope: Scope, name: str) -> str | None:
    """The value of a cookie; of several with its name the first."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                found, _, text = pair.strip().partition("=")
                if found == name:
                    return str(text)
    return None


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a header, None where there is none."""
    for found, value in scope["headers"]:
        if found == name:
            text: str = value.decode("latin-1")
            return text
    return None


def _host(scope: Scope) -> str:
    named = header(scope, b"host") or ""
    return named if _HOST.fullmatch(named) else ""
