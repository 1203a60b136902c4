"""server.conf: OpenCPU's settings, which are JSON with comments, each with its place."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.problem import Problem
from jobs.shown import described

SERVER_CONF = "server.conf"
MORE = "server.conf.d"
"""The folder beside it whose files are laid over it, in the order of their names."""

_SKIPPED = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"[^\s,:\[\]{}]+")
_IN_WORDS = {
    "Unterminated string starting at": "the text that begins here does not end",
    "Invalid control character at": "the text breaks off at the end of the line",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing here",
    "Expecting ',' delimiter": "a comma is missing before this",
    "Expecting ':' delimiter": "a colon is missing before this",
    "Illegal trailing comma before end of object": "nothing follows this comma",
    "Illegal trailing comma before end of array": "nothing follows this comma",
}


@dataclass(frozen=True)
class ConfValue:
    """One setting: its value, and its text and place in the file."""

    key: str
    value: Any
    text: str
    file: str
    line: int
    column: int

    def problem(self, message: str, hint: str = "") -> Problem:
        """A problem with the value, at its place."""
        return Problem(self.file, self.line, self.column, message, hint)


def conf_files(path: Path) -> list[Path]:
    """The files that `path` stands for: itself or, of a folder, all that OpenCPU reads there."""
    if not path.is_dir():
        return [path]
    own = [path / SERVER_CONF] if (path / SERVER_CONF).is_file() else []
    return own + sorted((path / MORE).glob("*.conf"))


def read_conf(path: Path) -> tuple[list[ConfValue], list[Problem]]:
    """The settings in a file in their order, and what is wrong with it."""
    file = str(path)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        return [], [Problem(file, 0, 0, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(file, line, 1, "is no UTF-8", "save the file in UTF-8")]
    return _Reader(file, text).read()


class _Reader:
    """Reads the mapping that a file is, key by key."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = _SKIPPED.sub(_blank, text)
        self._decoder = json.JSONDecoder(parse_constant=_refuse)

    def read(self) -> tuple[list[ConfValue], list[Problem]]:
        found: dict[str, ConfValue] = {}
        problems = []
        try:
            for value in self._values():
                first = found.setdefault(value.key, value)
                if first is not value:
                    told = f"'{value.key}' stands here twice; the first counts, in line"
                    problems.append(self._warning(value, f"{told} {first.line}"))
        except json.JSONDecodeError as error:
            problems.append(self._problem(error.pos, error.msg))
        return list(found.values()), problems

    def _values(self) -> Iterator[ConfValue]:
        at = self._next(0)
        if self._text[at : at + 1] != "{":
            raise json.JSONDecodeError("settings stand between { and }", self._text, at)
        at = self._next(at + 1)
        while self._text[at : at + 1] != "}":
            key, at = self._key(at)
            start = self._next(self._expect(":", at))
            value, at = self._value(start)
            line, column = self._place(start)
            text = " ".join(self._text[start:at].split())
            yield ConfValue(key, value, text, self._file, line, column)
            at = self._next(at)
            if self._text[at : at + 1] != "}":
                comma, at = at, self._next(self._expect(",", at))
                if self._text[at : at + 1] == "}":
                    raise json.JSONDecodeError("nothing follows this comma", self._text, comma)
        at = self._next(at + 1)
        if at < len(self._text):
            raise json.JSONDecodeError("nothing may follow the last }", self._text, at)

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at : at + 1] != '"':
            raise json.JSONDecodeError("a key in double quotes is missing here", self._text, at)
        key, end = self._value(at)
        return str(key), self._next(end)

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError):  # NaN, a number of 5000 digits, 5000 brackets
            raise json.JSONDecodeError("this value cannot be read", self._text, at) from None

    def _expect(self, sign: str, at: int) -> int:
        if self._text[at : at + 1] != sign:
            name = {",": "comma", ":": "colon"}[sign]
            message = f"a {name} is missing before this"
            if at == len(self._text):
                message = "the } that ends the settings is missing"
            raise json.JSONDecodeError(message, self._text, at)
        return at + 1

    def _next(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _place(self, at: int) -> tuple[int, int]:
        return self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)

    def _problem(self, at: int, message: str) -> Problem:
        line, column = self._place(at)
        word = _WORD.match(self._text, at)
        if message == "Expecting value":
            message = f"'{word[0]}' is no value of JSON" if word else "a value is missing here"
        hint = ""
        if word and word[0].lower() in ("true", "false", "null"):
            hint = f"write {word[0].lower()}"
        elif word and word[0].startswith("'"):
            hint = "texts stand in double quotes"
        elif word and word[0].startswith("#"):
            hint = "comments begin with //"
        return Problem(self._file, line, column, _IN_WORDS.get(message, message), hint)

    def _warning(self, value: ConfValue, message: str) -> Problem:
        return Problem(self._file, value.line, value.column, message, severity="warning")


def wrong_kind(wanted: str, value: ConfValue) -> Problem:
    """The problem of a value that is of another kind than it should be."""
    return value.problem(f"'{value.key}' should be {wanted}, but is {described(value.value)}")


def _blank(found: re.Match[str]) -> str:
    """Spaces for a comment, so that all else stays at its place; texts stay as they are."""
    text = found[0]
    return text if text.startswith('"') else re.sub(r"[^\n]", " ", text)


def _refuse(word: str) -> None:
    raise ValueError(word)
