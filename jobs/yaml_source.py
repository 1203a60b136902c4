"""YAML files with the place of every key and value, and parser errors in plain words."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from jobs.problem import KeyPath, Place, Problem, Source
from jobs.yaml_error import in_plain_words
from jobs.yaml_scalar import plain_scalar

_STANDARD = "tag:yaml.org,2002:"
_TEXT = _STANDARD + "str"
_MAX_VALUES = 250_000  # aliases of aliases can make a small file enormous


@dataclass(frozen=True)
class YamlDocument:
    """A file's value in plain Python, and where each part of it stands.

    Attributes:
        file: Name of the file as shown to people.
        value: Mappings, lists and scalars; mapping keys are always text as written.
        keys: Places of mapping keys.
        values: Places of values.
        faulty: Ways to the parts about which there is a problem.
    """

    file: str
    value: Any
    keys: Mapping[KeyPath, Place] = field(default_factory=dict)
    values: Mapping[KeyPath, Place] = field(default_factory=dict)
    faulty: tuple[KeyPath, ...] = ()

    def problem(
        self, path: KeyPath, message: str, hint: str = "", *, on_key: bool = False
    ) -> Problem:
        """A problem at `path`, or at its nearest ancestor that stands in the file."""
        first, second = (self.keys, self.values) if on_key else (self.values, self.keys)
        for depth in range(len(path), -1, -1):
            place = first.get(path[:depth]) or second.get(path[:depth])
            if place is not None:
                return Problem(self.file, place.line, place.column, message, hint)
        return Problem(self.file, 1, 1, message, hint)

    def source(self, path: KeyPath) -> Source:
        """The place of the mapping at `path` and of all its parts."""
        depth = len(path)
        inside = {
            way[depth:]: place
            for way, place in {**self.values, **self.keys}.items()
            if len(way) > depth and way[:depth] == path
        }
        at = self.problem(path, "", on_key=True)
        return Source(self.file, at.line, at.column, inside)


def read_yaml_file(path: Path, file: str) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in the file at `path`; see `read_yaml`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, [Problem(file, 0, 0, f"cannot be read: {error.strerror}")]
    return read_yaml(content, file)


def read_yaml(content: bytes, file: str) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in `content`, or None where it is no YAML, and every problem found.

    Duplicate keys are problems; the first one counts, so that the rest can still be checked.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        byte = f"byte 0x{content[error.start]:02x} is no UTF-8"
        return None, [Problem(file, line, column, byte, "save the file in UTF-8")]
    try:
        node = YAML(typ="safe", pure=True).compose(io.StringIO(text))
    except (MarkedYAMLError, ReaderError) as error:
        return None, [in_plain_words(error, text, file)]
    except (YAMLError, RecursionError):
        return None, [Problem(file, 1, 1, "is nested too deeply to be read")]
    builder = _Builder(file)
    value = builder.value(node, ()) if node is not None else None
    document = YamlDocument(file, value, builder.keys, builder.values, tuple(builder.faulty))
    return document, builder.problems


class _Builder:
    """Turns ruamel's nodes into plain values and remembers their places."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.faulty: list[KeyPath] = []
        self._open: set[int] = set()

    def value(self, node: Node, path: KeyPath) -> Any:
        self.values[path] = _place(node)
        if id(node) in self._open:
            self._problem(node, path, "an alias (*) refers to the value that it is part of")
            return None
        if len(self.values) > _MAX_VALUES:
            if len(self.values) == _MAX_VALUES + 1:
                self._problem(node, path, "the file holds too many values", "aliases multiply them")
            return None
        self._open.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self._open.remove(id(node))

    def _content(self, node: Node, path: KeyPath) -> Any:
        if not str(node.tag).startswith(_STANDARD):
            self._problem(node, path, f"the tag {node.tag} is not known", "leave the tag out")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        # A text tag on an unquoted scalar is ruamel's resolution or an explicit `!!str`.
        plain = isinstance(node, ScalarNode) and node.style is None and node.tag != _TEXT
        return plain_scalar(node.value) if plain else node.value

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, path, "a key must be a single word or text")
                continue
            key = key_node.value
            if key == "<<" and key_node.style is None:
                hint = "use `defaults:` or repeat the keys"
                self._problem(key_node, path, "merge keys (<<) are not part of YAML 1.2", hint)
            elif key in mapping:
                message = f"the key '{key}' stands here twice; first at {self.keys[*path, key]}"
                self._problem(key_node, (*path, key), message)
            else:
                self.keys[*path, key] = _place(key_node)
                mapping[key] = self.value(value_node, (*path, key))
        return mapping

    def _problem(self, node: Node, path: KeyPath, message: str, hint: str = "") -> None:
        place = _place(node)
        self.faulty.append(path)
        self.problems.append(Problem(self.file, place.line, place.column, message, hint))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
