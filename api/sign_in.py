"""The way to the page where people sign in, and back to the one they came for."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.types import Scope

from api.reply import Reply
from api.site import header

PATH: Final = "/login"
_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this server with its query. A second slash would begin another host, and so would a
backslash, of which browsers make one; they also leave out what is no character."""
_LONGEST: Final = 2000


def asks_for_page(scope: Scope) -> bool:
    """Whether a browser is about to show somebody the answer."""
    if scope["method"] not in ("GET", "HEAD"):
        return False
    return "text/html" in (header(scope, b"accept") or "")


def to_sign_in(scope: Scope) -> Reply:
    """Sends a browser to the page where people sign in, which leads back here."""
    query = scope["query_string"].decode("latin-1")
    asked = quote(scope["path"]) + (f"?{query}" if query else "")
    where = f"{PATH}?next={quote(own_path(asked), safe='/')}"
    return Reply(303, headers=(("Location", where), ("Cache-Control", "no-store")))


def own_path(asked: str | None) -> str:
    """The path if it is one of this server to show after signing in; else the start page."""
    if not asked or len(asked) > _LONGEST or not _OWN_PATH.fullmatch(asked):
        return "/"
    return "/" if re.match(r"/(?:login|logout)(?![\w.-])", asked) else asked
