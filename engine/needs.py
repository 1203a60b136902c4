"""What a request needs to have loaded: the project's models, or nothing but R."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from engine.reach import session_keys

PLACES = frozenset({"folder", "frame", "answer", "library", "library_url"})
"""Fields of a request that hold paths and URLs: the project's name in them means nothing."""
UNREADABLE = frozenset({"rds", "pb", "bytes", "code_file", "data_file", "json_file", "text_file"})
"""Kinds of arguments whose content is in a file: it may be code, or functions of the project."""
CODE_SUFFIXES = frozenset({".r", ".rds", ".rda", ".rdata", ".rmd", ".rnw", ".qmd"})
"""Uploaded files that may be code of the project, or hold its functions."""
MADE_BY_PACKAGES = ".Rpackages"
"""The file of a session that names the packages it had loaded, beyond those that all have."""


class Needs:
    """Tells calls that need the project's models from those that do better without.

    The models bring their packages along, and these change how R prints and dispatches: a call
    that has nothing to do with them gets R alone, as if there were no project.

    Args:
        project: the project's name, or None where there is none.
        sessions_root: where the sessions are that a request may name.
    """

    def __init__(self, project: str | None, sessions_root: Path) -> None:
        self._project = project
        self._sessions_root = sessions_root
        self._name = re.compile(rb"(?<![\w.])%s(?![\w.])" % re.escape((project or "").encode()))

    def project(self, request: dict[str, Any]) -> bool:
        """Whether the request names the project anywhere, or holds what may."""
        if self._project is None:
            return False
        if request.get("operation") == "script":
            return True
        given = [*(request.get("arguments") or ()), request.get("body") or {}]
        if any(map(_is_unreadable, given)):
            return True
        said = {name: value for name, value in request.items() if name not in PLACES}
        if self._name.search(orjson.dumps(said)):
            return True
        return any(map(self._is_made_with_it, session_keys(said)))

    def _is_made_with_it(self, session_key: str) -> bool:
        try:
            record = (self._sessions_root / session_key / MADE_BY_PACKAGES).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        return self._project in record.split()


def _is_unreadable(argument: dict[str, Any]) -> bool:
    if argument.get("kind") == "file":
        return Path(argument["value"]).suffix.lower() in CODE_SUFFIXES
    return argument.get("kind") in UNREADABLE
