"""How a form field is read: OpenCPU's ladder (R/parse_arg.R), without R.

What is certain to be a plain value in R becomes that value; everything else stays ``Code`` and is
R's to read. In doubt it stays code: a key too many costs one evaluation, a key shared wrongly
answers the wrong question.
"""

import math
import re
from json import JSONDecoder
from typing import Any, Final

from cache.code import normalise_code
from cache.values import MISSING, Code, SessionObject, Value

_R_WORDS: Final[dict[str, Value]] = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "NA": MISSING,
    "NaN": math.nan,
    "Inf": math.inf,
    "-Inf": -math.inf,
}
_FORM_WORDS: Final[dict[str, Value]] = {
    **_R_WORDS,
    "": MISSING,
    "true": True,
    "false": False,
    "null": None,
}

# More digits than a double holds are read as a double, as R does.
_NUMBER = re.compile(
    r"[-+]?(?:(?P<integer>[0-9]{1,15})|(?P<hexadecimal>0[xX][0-9a-fA-F]{1,12})"
    r"|(?P<decimal>(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]{1,4})?))L?"
)
# A carriage return inside quotes is left to R: whether it survives depends on who parses.
_STRING = re.compile(r""""[^"\\\r\0]*"|'[^'\\\r\0]*'""")
_ESCAPED_STRING = re.compile(
    r""""[^"\\\r\0]*+(?:\\[^\r\0][^"\\\r\0]*+)*+"|'[^'\\\r\0]*+(?:\\[^\r\0][^'\\\r\0]*+)*+'""",
    re.DOTALL,
)
_RAW_STRING = re.compile(
    r"""[rR](["'])(-*)(?:\(([^\r\0]*?)\)|\[([^\r\0]*?)\]|\{([^\r\0]*?)\})\2\1"""
)
_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<byte>[0-9a-fA-F]{1,2})"
    r"|u\{(?P<u1>[0-9a-fA-F]{1,4})\}|u(?P<u2>[0-9a-fA-F]{1,4})"
    r"|U\{(?P<u3>[0-9a-fA-F]{1,8})\}|U(?P<u4>[0-9a-fA-F]{1,8})|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS: Final = dict(zip("ntrabfv\\\"'` \n", "\n\t\r\a\b\f\v\\\"'` \n", strict=True))
_SESSION = re.compile(r"(x0[0-9a-f]{13,})(?:::([A-Za-z.][A-Za-z0-9._]*))?")


def form_value(text: str) -> Value:
    """What OpenCPU makes of the text of one form field.

    ``true``, ``false`` and ``null`` are JSON's; ``TRUE``, ``NULL``, ``NA``, ``Inf``, numbers and
    quoted strings are R's; a text that starts with a bracket or brace and is JSON is JSON; a bare
    session key is that session's value and ``key::name`` one of its objects; an empty text is
    ``MISSING``; all else is ``Code``.
    """
    if text in _FORM_WORDS:
        return _FORM_WORDS[text]
    value = _literal(text)
    if type(value) is not Code:
        return value
    if text.lstrip(" \t\r\n")[:1] in ("{", "["):
        try:
            return json_value(text)
        except ValueError:
            return code_value(text)
    if found := _SESSION.fullmatch(text):
        return SessionObject(found[1], found[2] or ".val")
    return code_value(text)


def code_value(text: str) -> Value:
    """The plain value that R source stands for, when it is a literal, else ``Code(text)``.

    ``key::name`` is a literal too; a bare session key is not, since within code it is only a name.
    """
    tidy = normalise_code(text)
    if tidy in _R_WORDS:
        return _R_WORDS[tidy]
    value = _literal(tidy)
    if type(value) is not Code:
        return value
    if (found := _SESSION.fullmatch(tidy)) and found[2]:
        return SessionObject(found[1], found[2])
    return Code(text)


def json_value(text: str) -> Value:
    """The value of a JSON text, in the kinds that ``Value`` has.

    Raises:
        ValueError: it is not JSON, nests too deep, or names a member twice (R keeps both, a
            mapping cannot).
    """
    try:
        value: Value = _JSON.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _literal(text: str) -> Value:
    """An R number or string, or ``Code(text)``."""
    if found := _NUMBER.fullmatch(text):
        digits = found[0].rstrip("L")
        if found.lastgroup == "integer":
            return int(digits)
        return int(digits, 16) if found.lastgroup == "hexadecimal" else float(digits)
    if _STRING.fullmatch(text):
        return text[1:-1]
    if _ESCAPED_STRING.fullmatch(text):
        return _unescaped(text)
    if text[:2] in ("r'", 'r"', "R'", 'R"'):
        raw = _RAW_STRING.match(text)
        if raw and raw.end() == len(text):
            return raw[raw.lastindex or 0]
    return Code(text)


class _NoLiteralError(Exception):
    """R refuses this escape, or makes bytes of it that are no text."""


def _unescaped(text: str) -> Value:
    kinds = {found.lastgroup for found in _ESCAPE.finditer(text)}
    # R refuses \x41 and \u00e9 in one string.
    if kinds & {"octal", "byte"} and kinds & {"u1", "u2", "u3", "u4"}:
        return Code(text)
    try:
        return _ESCAPE.sub(_character, text[1:-1])
    except _NoLiteralError:
        return Code(text)


def _character(escape: re.Match[str]) -> str:
    kind = str(escape.lastgroup)
    written = escape[kind]
    if kind == "letter":
        if written not in _LETTERS:
            raise _NoLiteralError
        return _LETTERS[written]
    number = int(written, 8 if kind == "octal" else 16)
    highest = 0x7F if kind in ("octal", "byte") else 0x10FFFF
    if not 0 < number <= highest or 0xD800 <= number <= 0xDFFF:
        raise _NoLiteralError
    return chr(number)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a member is named twice")
    return value


def _constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


_JSON = JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
