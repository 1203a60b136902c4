"""The methods that work at a path, for the Allow header of a 405."""

from __future__ import annotations

from api.ocpu_package import SECTIONS

READS = "GET, HEAD, OPTIONS"
CALLS = "GET, HEAD, POST, OPTIONS"
SESSION = "GET, HEAD, DELETE, OPTIONS"
LIBRARY_AT = {"library": 1, "lib": 1, "user": 3, "apps": 2, "github": 2, "cran": 1, "bioc": 1}
"""How many segments come before the package; for an app, its owner stands for the library."""


def allowed(parts: list[str]) -> str:
    """Returns the methods that work at the path of these segments."""
    match parts:
        case ["webhook"]:
            return CALLS
        case ["tmp", _] if "::" not in parts[1]:
            return SESSION
        case ["tmp", *rest]:
            return CALLS if _is_object(rest) else READS
        case ["gist", _, _, _, *_]:
            return CALLS
        case [section, *_] if section in LIBRARY_AT:
            return CALLS if _is_callable(parts[LIBRARY_AT[section] :]) else READS
    return READS


def _is_callable(rest: list[str]) -> bool:
    """Whether the segments from the package on name a function, or a file that may be a script."""
    return _is_object(rest) or (len(rest) > 1 and rest[1] not in SECTIONS)


def _is_object(rest: list[str]) -> bool:
    """Whether the segments from the package or session on name an object."""
    return bool(rest) and ("::" in rest[0] or (len(rest) > 2 and rest[1] == "R"))
