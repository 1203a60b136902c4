"""Turns the parser's nodes into plain values, and remembers where each of them stands."""

import json
import re
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from jobs.problem import KeyPath, Place, Problem
from jobs.yaml_scalar import Scalar, plain_scalar

MAX_DEPTH = 64
_MAX_VALUES = 250_000  # aliases of aliases can make a small file enormous
_STANDARD = "tag:yaml.org,2002:"
_TEXT = _STANDARD + "str"
_TAGS = {_STANDARD + name for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_TAGS |= {_STANDARD + name for name in ("timestamp", "merge", "value")}  # texts to us
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")  # by an escape: "\\0", "\\ud83d"
_CURLY = "\u2018\u2019\u201a\u201c\u201d\u201e"
_IN_CURLY_QUOTES = re.compile(f"[{_CURLY}](.*)[{_CURLY}]")


class Builder:
    """Makes the value of a document, with all problems on the way.

    Attributes:
        keys: Places of mapping keys.
        values: Places of values.
        problems: What was found.
        faulty: Ways to the parts about which there is a problem.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.faulty: list[KeyPath] = []
        self._open: set[int] = set()
        self._told: set[str] = set()

    def value(self, node: Node, path: KeyPath) -> Any:
        """The value of the node at `path`."""
        self.values[path] = _place(node)
        if id(node) in self._open:
            message = "an alias (*) refers to the value that it is part of"
            self._problem(node, path, message, "write the value out")
            return None
        if len(path) > MAX_DEPTH:
            self._once(node, path, "this is nested too deeply", "aliases add to the depth")
            return None
        if len(self.values) > _MAX_VALUES:
            self._once(node, path, "the file holds too many values", "aliases multiply them")
            return None
        self._open.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self._open.remove(id(node))

    def _content(self, node: Node, path: KeyPath) -> Any:
        if str(node.tag) not in _TAGS:
            tag = str(node.tag).replace(_STANDARD, "!!")
            hint = 'write {r: "expression"}' if tag in ("!r", "!expr") else "leave the tag out"
            self._problem(node, path, f"the tag {tag} is not known", hint)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Scalar:
        if node.style is not None:
            return self._text(node, path)
        if curly := _IN_CURLY_QUOTES.fullmatch(node.value):
            straight = json.dumps(curly[1], ensure_ascii=False)
            hint = f"write straight ones: {straight}"
            self._problem(node, path, "curly quotes are part of the text", hint)
            return str(curly[1])
        # A text tag on an unquoted scalar is ruamel's resolution or an explicit `!!str`.
        return self._text(node, path) if node.tag == _TEXT else plain_scalar(node.value)

    def _text(self, node: ScalarNode, path: KeyPath) -> str:
        text = str(node.value)
        if wrong := _NO_CHARACTER.search(text):
            code = f"U+{ord(wrong[0]):04X}"
            hint = "write the character itself, without a backslash"
            self._problem(node, path, f"a text cannot hold {code}", hint)
            return _NO_CHARACTER.sub("", text)
        return text

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                message = "a key must be a single word or text"
                self._problem(key_node, path, message, "write the entry once for each")
                continue
            key = self._text(key_node, path)
            if key == "<<" and key_node.style is None:
                hint = "use `defaults:` or repeat the keys"
                self._problem(key_node, path, "merge keys (<<) are not part of YAML 1.2", hint)
            elif key in mapping:
                message = f"the key '{key}' stands here twice; first at {self.keys[*path, key]}"
                self._problem(key_node, (*path, key), message, "keep one")
            else:
                self.keys[*path, key] = _place(key_node)
                mapping[key] = self.value(value_node, (*path, key))
        return mapping

    def _once(self, node: Node, path: KeyPath, message: str, hint: str) -> None:
        """What would be told of a thousand places is told of the first."""
        if message not in self._told:
            self._told.add(message)
            self._problem(node, path, message, hint)

    def _problem(self, node: Node, path: KeyPath, message: str, hint: str = "") -> None:
        place = _place(node)
        self.faulty.append(path)
        self.problems.append(Problem(self.file, place.line, place.column, message, hint))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
