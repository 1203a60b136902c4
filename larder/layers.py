"""Layers: larder.yaml with the environment and the command line laid over it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.problem import KeyPath, Problem
from jobs.yaml_source import YamlDocument


@dataclass(frozen=True)
class _LayeredDocument(YamlDocument):
    """A document of which some values come from elsewhere; their problems name that place."""

    origins: Mapping[KeyPath, str] = field(default_factory=dict)

    def problem(
        self, path: KeyPath, message: str, hint: str = "", *, on_key: bool = False
    ) -> Problem:
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.origins:
                return Problem(self.origins[path[:depth]], 0, 0, message, hint)
        return super().problem(path, message, hint, on_key=on_key)


class Layers:
    """Collects values from several places over one document."""

    def __init__(self, base: YamlDocument) -> None:
        self._base = base
        self._value = copy.deepcopy(base.value)
        self._origins: dict[KeyPath, str] = {}

    def put(self, path: KeyPath, value: Any, origin: str) -> None:
        """Lay a value over what is at `path`; `origin` is what problems with it are called."""
        mapping = self._value
        for step in path[:-1]:
            if not isinstance(mapping, dict):
                return  # the file is malformed here, which is reported by itself
            mapping = mapping.setdefault(step, {})
        if isinstance(mapping, dict):
            mapping[path[-1]] = value
            self._origins[path] = origin

    def document(self) -> YamlDocument:
        """The document that all layers make together."""
        base = self._base
        return _LayeredDocument(
            base.file, self._value, base.keys, base.values, base.faulty, self._origins
        )
