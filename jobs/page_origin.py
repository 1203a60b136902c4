"""Origins of web pages, as browsers send them: `https://app.example.com`, `http://localhost:3000`."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from jobs.errors import ValueInvalid

_SCHEMES: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_EXAMPLE: Final = "for example: https://app.example.com, http://localhost:3000"


def parse_origin(text: str) -> str:
    """The origin that `text` says, as browsers write it: small letters, no port that is usual.

    Raises:
        ValueInvalid: If it is none; the hint has the one that was probably meant.
    """
    written = text.strip().lower()
    parsed = _split(written)
    if parsed is not None and written.removesuffix("/") == f"{parsed[0]}://{parsed[1]}":
        return _written(*parsed)
    meant = parsed or (None if "://" in written else _split(f"https://{written}"))
    hint = f"write {_written(*meant)}" if meant else _EXAMPLE
    raise ValueInvalid(f"'{text}' is no origin: scheme, name and perhaps a port", hint)


@lru_cache(maxsize=1024)
def authority_of(origin: str) -> tuple[str, str]:
    """Scheme and authority of an origin; both empty where it is none, as `null`."""
    parsed = _split(origin.lower())
    return (parsed[0], _written(*parsed).partition("://")[2]) if parsed else ("", "")


def _split(text: str) -> tuple[str, str] | None:
    """Scheme and authority of an address; None where it has none of ours."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme not in _SCHEMES or not _HOST.fullmatch(shown) or "@" in parts.netloc:
        return None
    return parts.scheme, shown if port is None else f"{shown}:{port}"


def _written(scheme: str, authority: str) -> str:
    return f"{scheme}://{authority.removesuffix(f':{_SCHEMES[scheme]}')}"
