"""Fault: one error of pydantic, and the problem that it means to people."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from jobs.nearest import did_you_mean, nearest
from jobs.problem import KeyPath, Problem
from jobs.schema_tree import SchemaTree
from jobs.shown import as_yaml, described, shown
from jobs.yaml_source import YamlDocument

OWN_ERROR = "larder"
"""Type of the pydantic errors that our own value types raise: reason and hint are ready."""

_BOUNDS = {
    "greater_than_equal": ("ge", "too small; it must be at least"),
    "greater_than": ("gt", "too small; it must be more than"),
    "less_than_equal": ("le", "too large; it must be at most"),
    "less_than": ("lt", "too large; it must be less than"),
}


@dataclass(frozen=True)
class Fault:
    """One pydantic error about a document.

    Attributes:
        document: The document.
        tree: What the model allows.
        detail: The error.
    """

    document: YamlDocument
    tree: SchemaTree
    detail: ErrorDetails

    @property
    def path(self) -> KeyPath:
        """The way to what is wrong."""
        return data_path(self.document.value, self.detail["loc"])

    def not_yet_hint(self, not_yet: Mapping[str, str]) -> str | None:
        """The hint about a key that a later version will know; None if it is no such key."""
        way = "/".join(map(str, self.path))
        if self.detail["type"] != "extra_forbidden":
            return None
        hints = (hint for pattern, hint in not_yet.items() if fnmatch.fnmatchcase(way, pattern))
        return next(hints, None)

    def problem(self, not_yet: Mapping[str, str]) -> Problem:
        """The problem, at its place."""
        path = self.path
        kind = self.detail["type"]
        if kind == "extra_forbidden":
            return self._unknown_key(path, not_yet)
        if kind == "missing":
            message = f"the key '{path[-1]}' is missing"
            return self.document.problem(path[:-1], message, self._example(path), on_key=True)
        return self._wrong_value(path)

    def _unknown_key(self, path: KeyPath, not_yet: Mapping[str, str]) -> Problem:
        key = str(path[-1])
        later = self.not_yet_hint(not_yet)
        if later is not None:
            message = f"'{key}' is not supported yet"
            return self.document.problem(path, message, later, on_key=True)
        valid = self.tree.keys(path[:-1])
        if nearest(key, valid):
            hint = did_you_mean(key, valid)
        elif (home := self.tree.home_of(key, path[:-1])) is not None:
            hint = f"it belongs under '{home[-1]}'" if home else "it belongs at the top of the file"
        else:
            hint = f"valid keys: {', '.join(valid)}"
        return self.document.problem(path, f"unknown key '{key}'", hint, on_key=True)

    def _wrong_value(self, path: KeyPath) -> Problem:
        found, kind, context = self.detail["input"], self.detail["type"], self.detail.get("ctx", {})
        if kind == OWN_ERROR:
            return self.document.problem(path, context["reason"], context["hint"])
        if kind in _BOUNDS:
            name, words = _BOUNDS[kind]
            return self.document.problem(path, f"{shown(found)} is {words} {context[name]}")
        guess = nearest(found, self.tree.words(path)) if isinstance(found, str) else ""
        hint = f"did you mean '{guess}'?" if guess else self._example(path)
        message = f"expected {self.tree.expected(path)}, found {described(found)}"
        return self.document.problem(path, message, hint)

    def _example(self, path: KeyPath) -> str:
        example = self.tree.example(path)
        if example is None:
            return ""
        key = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        return f"for example: {key}{as_yaml(example)}"


def data_path(value: Any, location: tuple[str | int, ...]) -> KeyPath:
    """The way in the data; pydantic's location also names the branch of a union ("<list>")."""
    path: list[str | int] = []
    for step in location:
        known = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int)
        )
        if known:
            value = value[step]
        elif isinstance(step, str) and step.startswith("<"):
            continue
        else:
            value = None
        path.append(step)
    return tuple(path)
