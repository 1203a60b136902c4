"""Fault: one error of pydantic, and the problem that it means to people."""

import fnmatch
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from jobs.nearest import nearest
from jobs.other_words import boolean_meant, key_meant, word_meant
from jobs.problem import KeyPath, Problem
from jobs.schema_tree import SchemaTree, json_type
from jobs.shown import as_yaml, described, shown
from jobs.yaml_scalar import plain_scalar
from jobs.yaml_source import YamlDocument

_DIGITS = re.compile(r"[-+]?[0-9]+([_ ][0-9]+)+")
_FILE = re.compile(r"[^{}:]+\.(\w+)")
_R_VECTOR = re.compile(r"c\(([^()]*)\)")
_R_CODE = re.compile(r".+\(.*\)|-?[\w.]+:-?[\w.]+|.+\$.+")

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

    @property
    def meant(self) -> KeyPath | None:
        """The way to the key that an unknown one stands for, as far as that can be told."""
        if self.detail["type"] != "extra_forbidden":
            return None
        path = self.path
        guess = self._key_meant(str(path[-1]), self.tree.keys(path[:-1]))
        return (*path[:-1], guess) if guess else None

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
        if path[:-1] == ("defaults",) and key in self.tree.keys(("jobs", "")):
            hint = "it belongs to each job"
        elif guess := self._key_meant(key, valid):
            hint = f"did you mean '{guess}'?"
        elif self.detail["input"] is None and key.isdigit():
            hint = "a number has a point, not a comma"
        elif self.detail["input"] is None and " " in key:
            hint = "a comma ended what stands before it: text with one goes in quotes"
        elif (home := self.tree.home_of(key, path[:-1])) is not None:
            hint = f"it belongs under '{home[-1]}'" if home else "it belongs at the top of the file"
        else:
            hint = f"valid keys: {', '.join(valid)}"
        return self.document.problem(path, f"unknown key '{key}'", hint, on_key=True)

    @staticmethod
    def _key_meant(key: str, valid: list[str]) -> str:
        return key_meant(key, valid) or nearest(key, valid)

    def _wrong_value(self, path: KeyPath) -> Problem:
        found, kind, context = self.detail["input"], self.detail["type"], self.detail.get("ctx", {})
        if kind == OWN_ERROR:
            return self.document.problem(path, context["reason"], context["hint"])
        if kind in _BOUNDS:
            name, words = _BOUNDS[kind]
            return self.document.problem(path, f"{shown(found)} is {words} {context[name]}")
        message = f"expected {self.tree.expected(path, found)}, found {described(found)}"
        return self.document.problem(path, message, self._remedy(path, found))

    def _remedy(self, path: KeyPath, found: Any) -> str:
        """What to write instead of a value of the wrong type."""
        types = self.tree.types(path)
        words = self.tree.words(path)
        key = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        if "object" in types and (inner := _key_of(found, self.tree.keys(path))):
            return f"write {key}{as_yaml({inner: found})}"
        if isinstance(found, str):
            if guess := word_meant(found, words) or nearest(found, words):
                return f"did you mean '{guess}'?"
            if "boolean" in types and (meant := boolean_meant(found)):
                return f"write {key}{meant}"
            if types & {"integer", "number"} and _DIGITS.fullmatch(found):
                return f"write {key}{re.sub('[_ ]', '', found)}"
            if _kinds(plain_scalar(found)) & types:
                return "take the quotes away"
            if types == {"object"} and re.match(r"[\w-]+:[^\s:]", found):
                return "behind the ':' of a key goes a blank"
            if "array" in types and (vector := _R_VECTOR.fullmatch(found)):
                return f"write {key}[{vector[1]}]"
            if "r" in self.tree.keys(path) and _R_CODE.fullmatch(found):
                return f"write {key}{as_yaml({'r': found})}"
            if types == {"array"} and re.match(r"-\S", found):
                return "behind each '-' of a list goes a blank"
        if isinstance(found, str | int | float) and self._takes_in_list(path, found):
            return f"write {key}[{as_yaml(found)}]"
        return self._example(path)

    def _takes_in_list(self, path: KeyPath, found: Any) -> bool:
        """Whether the value would be right as the only item of a list."""
        if "array" not in self.tree.types(path):
            return False
        words = self.tree.words((*path, 0))
        types = self.tree.types((*path, 0))
        if words:
            return found in words
        return not types or json_type(found) in types or bool(_kinds(found) & types)

    def _example(self, path: KeyPath) -> str:
        example = self.tree.example(path)
        if example is None:
            return ""
        key = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        return f"for example: {key}{as_yaml(example)}"


def _key_of(found: Any, keys: Collection[str]) -> str:
    """The key of a mapping that means what was written instead of the mapping; else nothing."""
    meant = ""
    if isinstance(found, list):
        meant = "values"
    elif isinstance(found, str) and (ending := _FILE.fullmatch(found)):
        meant = ending[1] if ending[1] in keys else "file"
    return meant if meant in keys else ""


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


def _kinds(value: Any) -> set[str]:
    """The JSON types that a scalar is of, but for text."""
    kinds = {"integer": {"integer", "number"}, "number": {"number"}, "boolean": {"boolean"}}
    return kinds.get(json_type(value) or "", set())
