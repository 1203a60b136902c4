"""What a model allows at a place, read from its JSON Schema: keys, words, types, examples."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from jobs.problem import KeyPath
from jobs.shown import as_yaml

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


@dataclass(frozen=True)
class SchemaTree:
    """A JSON Schema that can be asked what it allows at a place."""

    schema: Mapping[str, Any]

    @classmethod
    def of(cls, model: type[BaseModel]) -> "SchemaTree":
        """The tree of a pydantic model."""
        return cls(model.model_json_schema(by_alias=True))

    def keys(self, path: KeyPath) -> list[str]:
        """Keys that a mapping at `path` may have."""
        found = (key for node in self._at(path) for key in node.get("properties", {}))
        return list(dict.fromkeys(found))

    def words(self, path: KeyPath) -> list[str]:
        """What may stand at `path`, where only certain words or numbers may."""
        found: list[str] = []
        for node in self._at(path):
            allowed = [*node.get("enum", ()), *([node["const"]] if "const" in node else [])]
            found += [str(word) for word in allowed if word is not None]
        return list(dict.fromkeys(found))

    def types(self, path: KeyPath) -> set[str]:
        """JSON types that may stand at `path`, without null."""
        return {node["type"] for node in self._at(path) if "type" in node} - {"null"}

    def expected(self, path: KeyPath, found: Any = None) -> str:
        """What may stand at `path`, in words; of alternatives not the type that `found` has."""
        texts = []
        unless = json_type(found) if len(self.types(path)) > 1 else None
        for node in self._at(path):
            allowed = [*node.get("enum", ()), *([node["const"]] if "const" in node else [])]
            if allowed:
                words = [as_yaml(word) for word in allowed]
                few = len(words) <= 2
                texts.append(" or ".join(words) if few else f"one of {', '.join(words)}")
            elif node.get("type") in _TYPES and node["type"] != unless:
                texts.append(_TYPES[node["type"]])
        return ", or ".join(dict.fromkeys(texts)) or "something else"

    def example(self, path: KeyPath) -> Any:
        """An example of what stands at `path`, or None."""
        for node in self._at(path):
            if node.get("examples"):
                return node["examples"][0]
        return None

    def note(self, name: str, path: KeyPath) -> Any:
        """What the model notes under `name` ("description", "default") at `path`, or None."""
        return next((node[name] for node in self._at(path) if name in node), None)

    def home_of(self, key: str, path: KeyPath) -> KeyPath | None:
        """Where `key` would be right: a level or two below `path`, or somewhere above it."""
        below = [(*path, child) for child in self.keys(path)]
        further = [(*way, child) for way in below for child in self.keys(way)]
        for way in (*below, *further):
            if key in self.keys(way):
                return way
        for depth in range(len(path) - 1, -1, -1):
            if key in self.keys(path[:depth]):
                return path[:depth]
        return None

    def _at(self, path: KeyPath) -> list[Mapping[str, Any]]:
        nodes = list(self._alternatives([self.schema]))
        for step in path:
            below = [child for node in nodes for child in _step_into(node, step)]
            nodes = list(self._alternatives(below))
        return nodes

    def _alternatives(self, nodes: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for node in nodes:
            yield node
            if "$ref" in node:
                name = node["$ref"].rsplit("/", 1)[-1]
                yield from self._alternatives([self.schema["$defs"][name]])
            for union in ("anyOf", "oneOf", "allOf"):
                yield from self._alternatives(node.get(union, ()))


def _step_into(node: Mapping[str, Any], step: str | int) -> Iterator[Mapping[str, Any]]:
    if isinstance(step, int):
        items = node.get("items")
        if isinstance(items, Mapping):
            yield items
    elif step in node.get("properties", {}):
        yield node["properties"][step]
    elif isinstance(node.get("additionalProperties"), Mapping):
        yield node["additionalProperties"]


def json_type(value: Any) -> str | None:
    """What JSON Schema calls the type of a plain value; None of nothing."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value))
