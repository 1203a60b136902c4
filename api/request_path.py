"""The path of a request in the one form that the gate judges and everything behind it serves."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

from api.errors import BadRequest

MOUNT: Final = "/ocpu"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def request_path(scope: Scope) -> str:
    """Returns the path, unescaped once.

    Nothing is folded: case, dots, double and trailing slashes and `;` are what they are, and a
    path that no route has is not found. (Below /ocpu empty segments count for nothing.)

    Raises:
        BadRequest: it holds a control character. Routes are regular expressions, whose `$` lets
            a line's end behind the path of a route pass for that route.
    """
    raw = scope.get("raw_path") or scope["path"].encode()
    path = unquote(raw.decode("latin-1").partition("?")[0], errors="replace")
    if _CONTROL.search(path) and not is_ocpu(path):  # names in R may hold them
        raise BadRequest("the path holds a control character")
    return path


def is_ocpu(path: str) -> bool:
    """Whether a path is one of OpenCPU's API."""
    return path == MOUNT or path.startswith(f"{MOUNT}/")
