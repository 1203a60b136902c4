"""YAML files with the place of every key and value, and parser errors in plain words."""

import codecs
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from jobs.problem import KeyPath, Place, Problem, Source
from jobs.yaml_builder import MAX_DEPTH, Builder
from jobs.yaml_error import in_plain_words

_MAX_BYTES = 4 * 2**20
_ODD_BLANK = re.compile("^ *([\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000])", re.MULTILINE)
_BEGIN = 2  # a job is found by two steps: ("jobs", its name)


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
            for way, place in self._by_begin.get(path[:_BEGIN], {}).items()
            if len(way) > depth and way[:depth] == path
        }
        at = self.problem(path, "", on_key=True)
        return Source(self.file, at.line, at.column, inside)

    @cached_property
    def _by_begin(self) -> Mapping[KeyPath, Mapping[KeyPath, Place]]:
        """All places by the first steps of their ways, so that each job finds its own at once."""
        places: dict[KeyPath, dict[KeyPath, Place]] = {}
        for way, place in {**self.values, **self.keys}.items():
            places.setdefault(way[:_BEGIN], {})[way] = place
        return places


def read_yaml_file(path: Path, file: str) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in the file at `path`; see `read_yaml`."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            return None, [Problem(file, 0, 0, "cannot be read: it is no file")]
        with path.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        return None, [Problem(file, 0, 0, f"cannot be read: {error.strerror}")]
    return read_yaml(content, file)


def read_yaml(content: bytes, file: str) -> tuple[YamlDocument | None, list[Problem]]:
    """The document in `content`, or None where it is no YAML, and every problem found.

    Duplicate keys are problems; the first one counts, so that the rest can still be checked.
    """
    if len(content) > _MAX_BYTES:
        hint = "take values from a CSV file: {csv: data/values.csv}"
        return None, [Problem(file, 0, 0, f"is larger than {_MAX_BYTES // 2**20} MB", hint)]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None, [Problem(file, 1, 1, "the file is UTF-16", "save the file in UTF-8")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        byte = f"byte 0x{content[error.start]:02x} is no UTF-8"
        return None, [Problem(file, line, column, byte, "save the file in UTF-8")]
    if blank := _ODD_BLANK.search(text):
        line = text.count("\n", 0, blank.end()) + 1
        message = f"a blank that is none (U+{ord(blank[1]):04X}) stands where YAML wants spaces"
        hint = "type the spaces at the beginning of the line anew"
        return None, [Problem(file, line, len(blank[0]), message, hint)]
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    yaml.composer.warn_double_anchors = False  # the later one counts, as YAML has it
    try:
        node = yaml.compose(io.StringIO(text))
    except (MarkedYAMLError, ReaderError) as error:
        return None, [in_plain_words(error, text, file)]
    builder = Builder(file)
    value = builder.value(node, ()) if node is not None else None
    document = YamlDocument(file, value, builder.keys, builder.values, tuple(builder.faulty))
    return document, builder.problems
