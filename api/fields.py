"""The fields of a form, and the parts of a multipart body, as arguments and values, one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from hashlib import blake2b, file_digest
from pathlib import Path, PurePath

from api.argument_rules import ANYTHING, ArgumentRules
from api.constant import are_constants, is_constant, package_of
from api.errors import BadRequest
from cache.errors import CacheError
from cache.keys import MISSING, Code, Upload, Value, form_value, json_value
from engine.call import Argument

INPUTS = ".inputs"
"""The folder, in the call's own, from which R reads what is no file of the caller's."""
INLINE_CHARACTERS = 1024 * 1024
"""Longer texts go to R as files: on its way to R a text is copied a dozen times."""
DOTS = "..."
SERIALIZED_KINDS = ("rds", "pb")
"""R's own formats: reading one may bring functions, environments and promises."""
LONGEST_CONSTANT_BYTES = 64 * 1024
"""Of a field that lies in a file: one that may not be code is looked at so far."""

_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_NO_TEXT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class Fields:
    """Collects fields in their order.

    Args:
        folder: Where long texts are written.
        rules: What fields may be.

    Attributes:
        arguments: What R is given.
        inputs: Files to be placed into the call's folder, by their path in it.
    """

    def __init__(self, folder: Path, rules: ArgumentRules = ANYTHING) -> None:
        self.arguments: list[Argument] = []
        self.inputs: dict[str, Path] = {}
        self._folder = folder
        self._rules = rules
        self._values: list[tuple[str, Callable[[], Value]]] = []

    def values(self) -> dict[str, Value] | None:
        """Returns the values by name; None if one has no key, or a name comes twice."""
        values: dict[str, Value] = {}
        for name, value in self._values:
            if name in values:
                return None  # their order would matter
            try:
                values[name] = value()
            except (ValueError, CacheError):
                return None
        return values

    def add_field(self, name: str, text: str) -> None:
        """Adds a field as OpenCPU's ladder reads it: JSON, a session's key, a constant or code.

        Raises:
            BadRequest: it has a NUL, or it is code where that is switched off.
            Forbidden: it is code, and the key is not for that.
        """
        kind = "code"
        if not self._rules.code:
            kind = self._kind_without_code(name, text)
        self._add_text(name, kind, text, partial(_field_value, name, text, kind))

    def add_missing(self, name: str) -> None:
        """Adds an empty form field, which is R's NA."""
        self._add_text(name, "code", "NA", lambda: MISSING)

    def add_empty(self, name: str) -> None:
        """Adds an empty argument, as in `f(x = )`."""
        self._add_text(name, "empty", "", lambda: Code(""))

    def add_text(self, name: str, text: str) -> None:
        """Adds a string."""
        self._add_text(name, "text", text, lambda: text)

    def add_json(self, name: str, text: str) -> None:
        """Adds a JSON text; R tells what is wrong with it."""
        self._add_text(name, "json", text, lambda: keyed_json(text))

    def add_file(self, name: str, filename: str, path: Path) -> None:
        """Adds an uploaded file: the argument is its name, made another one if it is taken.

        Raises:
            Forbidden: the key is not for files.
        """
        if not self._rules.files:
            raise self._rules.no_file("files")
        filename = self._free(filename)
        self._add(name, "file", filename, lambda: Upload(filename, _digest(path)))
        self.inputs[filename] = path

    def add_stored_field(self, name: str, path: Path) -> None:
        """Adds a field that lies in a file.

        Raises:
            BadRequest, Forbidden: as `add_field`; a long constant, too, where code is refused.
        """
        kind = "code"
        if not self._rules.code:
            with path.open("rb") as file:
                beginning = file.read(LONGEST_CONSTANT_BYTES + 1)
            text = beginning.decode("utf-8", "replace")
            is_whole = len(beginning) <= LONGEST_CONSTANT_BYTES
            kind = self._kind_without_code(name, text, is_whole=is_whole)
            if kind == "data" and not is_whole:
                raise self._rules.no_code(name)
        self.add_stored(name, f"{kind}_file", path)

    def add_stored(self, name: str, kind: str, path: Path) -> None:
        """Adds what R reads from a file, by the kind of the argument.

        Raises:
            BadRequest, Forbidden: it is of a kind that may hold code, or a file, where those are
                refused.
        """
        if kind in SERIALIZED_KINDS and not self._rules.code:
            raise self._rules.no_file("serialized objects of R")
        if kind == "bytes" and not self._rules.files:
            raise self._rules.no_file("files")
        place = f"field{len(self.arguments)}"
        self._add(name, kind, place, lambda: Upload(f"{kind}:", _digest(path)))
        self.inputs[f"{INPUTS}/{place}"] = path

    def _add_text(self, name: str, kind: str, text: str, value: Callable[[], Value]) -> None:
        if "\0" in text:
            raise BadRequest(f"Argument '{name}' has a NUL character, which no text in R can have.")
        if len(text) <= INLINE_CHARACTERS:
            self._add(name, kind, text, value)
            return
        path = self._folder / f"text{len(self.arguments)}"
        path.write_bytes(text.encode())
        self.add_stored(name, f"{kind}_file", path)

    def _add(self, name: str, kind: str, text: str, value: Callable[[], Value]) -> None:
        if "\0" in name:
            raise BadRequest("An argument's name has a NUL character, which no name in R can have.")
        self.arguments.append(Argument(name, kind, text))  # type: ignore[arg-type]
        self._values.append((name, value))

    def _kind_without_code(self, name: str, text: str, *, is_whole: bool = True) -> str:
        if name == DOTS:
            if are_constants(text):
                return "data"
        elif text.lstrip(" \t\r\n")[:1] in ("{", "["):
            if is_whole and not _is_json(text):
                raise self._rules.no_code(name)
            return "json"
        elif is_constant(text) or self._rules.may_use(package_of(text)):
            return "data"
        raise self._rules.no_code(name)

    def _free(self, filename: str) -> str:
        path, number = PurePath(filename), 2
        while filename in self.inputs:
            filename = f"{path.stem}-{number}{path.suffix}"
            number += 1
        return filename


def _digest(path: Path) -> str:
    """Returns what stands for a file's content in a key; reads all of it."""
    with path.open("rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).hexdigest()


def keyed_json(text: str) -> Value:
    """Returns the value of a JSON text.

    Raises:
        ValueError: it has none, or one that R would read as another.
    """
    if not _is_text_for_r(text):
        raise ValueError("R has no such text")
    return json_value(text)


def _is_json(text: str) -> bool:
    """Whether a text is JSON, as far as can be seen before R says what is wrong with it."""
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _is_text_for_r(text: str) -> bool:
    """Whether R's strings can have every character that the JSON text escapes."""
    return "\\u" not in text or _NO_TEXT.search(_PAIR.sub("", text)) is None


def _field_value(name: str, text: str, kind: str) -> Value:
    if name == DOTS:
        return Code(text)
    value = keyed_json(text) if kind == "json" else form_value(text)
    if isinstance(value, dict | list) and not _is_text_for_r(text):
        raise ValueError("R has no such text")
    return value
