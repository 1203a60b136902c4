"""What ruamel says about malformed YAML, in words for people who write it."""

import json
import re

from ruamel.yaml.error import MarkedYAMLError, StreamMark
from ruamel.yaml.reader import ReaderError

from jobs.problem import Problem

_SIGN = re.compile(r"[*&@`%!][^\[\]{}\"\'#\\]*")

# (what ruamel says, our message, hint, does the place where the construct began help more?)
_WORDS: tuple[tuple[str, str, str, bool], ...] = (
    (
        r"character '\\t'",
        "a tab stands where YAML wants spaces",
        "indent with spaces",
        False,
    ),
    (
        r"found character '(.)' that cannot start",
        "a value cannot begin with '{0}'",
        "put the value in quotes",
        False,
    ),
    (
        r"mapping values are not allowed",
        "a ':' makes a key where no key can stand",
        "check the indentation and the ':' of the line above, or put text with ': ' in quotes",
        False,
    ),
    (
        r"while scanning a quoted scalar.*unexpected end|unexpected end of stream",
        "the quote opened here is never closed",
        "",
        True,
    ),
    (
        r"expected ',' or '([\]}])'",
        "the bracket opened here is not closed, or a ',' is missing in it",
        "close it with '{0}', or look at {stop}",
        True,
    ),
    (
        r"could not find expected ':'",
        "this line is neither `key: value` nor part of the text above",
        "add ': ' after the key, or indent the line",
        True,
    ),
    (
        r"expected the node content",
        "a value is missing here",
        "close every bracket, and put text that begins with a sign in quotes",
        False,
    ),
    (
        r"'<document start>'",
        "this line belongs to nothing above it",
        "align it with the first key of the file",
        False,
    ),
    (
        r"(mapping keys|sequence entries) are not allowed",
        "a list or mapping cannot begin here",
        "begin it on a line of its own, or put the text in quotes",
        False,
    ),
    (
        r"while scanning an? (alias|anchor)",
        "after '*' or '&' a name must follow",
        "put text that begins with such a sign in quotes",
        True,
    ),
    (
        r"while scanning a directive",
        "a line that begins with '%' has no meaning here",
        "put text that begins with % in quotes",
        False,
    ),
    (
        r"while scanning a block scalar",
        "after '|' or '>' the text must begin on the next line",
        "begin a new line, or put the text in quotes",
        False,
    ),
    (
        r"expected <block end>",
        "the indentation fits none of the lines above",
        "align the keys of one mapping, and the dashes of one list",
        False,
    ),
    (
        r"unknown escape character '(.)'",
        "\\{0} means nothing between double quotes",
        "use single quotes",
        False,
    ),
    (
        r"maximum depth",
        "this is nested too deeply",
        "",
        False,
    ),
    (
        r"undefined alias '(.*)'",
        "*{0} refers to an anchor (&{0}) that does not exist",
        "put text that begins with * in quotes",
        False,
    ),
    (
        r"found another document",
        "a second document begins here",
        "keep one document in a file: remove the line `---`",
        False,
    ),
)


def in_plain_words(error: MarkedYAMLError | ReaderError, text: str, file: str) -> Problem:
    """The parser's complaint as a problem with its place and, where it is known, a remedy."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        code = error.character if isinstance(error.character, int) else ord(error.character)
        message = f"the character U+{code:04X} cannot stand in YAML"
        return Problem(file, line, column, message, "remove it")
    said = f"{error.context or ''} {error.problem or ''}".strip()
    for pattern, message, hint, at_context in _WORDS:
        if found := re.search(pattern, said):
            marks = [error.context_mark, error.problem_mark]
            mark = next(m for m in (marks if at_context else marks[::-1]) if m is not None)
            words = found.groups()
            last = next(m for m in marks[::-1] if m is not None)
            remedy = hint.format(*words, stop=f"{last.line + 1}:{last.column + 1}")
            if "in quotes" in remedy and (whole := _value_at(mark, text)):
                remedy = f"put it in quotes: {whole}"
            line, column = mark.line + 1, mark.column + 1
            return Problem(file, line, column, message.format(*words), remedy)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Problem(file, line, column, f"this is no YAML: {said}")


def _value_at(mark: StreamMark, text: str) -> str:
    """The value that begins at `mark` with a sign, in quotes, if it ends with its line."""
    value = text[mark.index :].partition("\n")[0].strip()
    return json.dumps(value, ensure_ascii=False) if _SIGN.fullmatch(value) else ""
