"""Which calls are the same call, and the key they share. Pure.

The same, so one key:

- arguments in any order; an argument left out, and one given the default that was declared for it;
- a form field and a JSON member with the same value: ``n=3`` and ``{"n":3}``, ``"a"`` with quotes
  in a form and in JSON, ``TRUE`` and ``true``, ``NULL`` and ``null``, an empty field and ``NA``;
- numbers of one value, whole or not: ``3``, ``3.0``, ``3L``, ``3e0``, ``0x3``; ``-0`` and ``0``;
  whole numbers that only differ beyond what a double holds;
- an argument that is one JSON value in brackets, and that value: R has no scalars, so ``[3]`` is
  ``3`` (not ``[null]``, not ``["NA"]`` and its like: jsonlite reads those as something else);
- R source that differs in blanks, comments or the kind of line end between its tokens, and R
  source that is only a literal, and that literal;
- uploads with the same base name and content; the same object of the same session;
- secrets that stand in the same variable, whatever its value.

Different, so two keys:

- ``3`` and ``"3"``; ``1`` and ``TRUE``; ``NA``, ``NaN``, ``"NA"`` and ``NULL``, each from each;
- a session's key as a form field (its value) and in JSON (a text);
- JSON arrays and objects whose items or members come in another order (an R list is ordered);
- R source that would come to the same value by other tokens: ``1:3`` and ``c(1,2,3)``;
- the arguments in ``...`` in another order, since they are R source;
- another function, another seed, a seed and none.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from cache.code import normalise_code
from cache.errors import ArgumentUnsupported
from cache.literals import code_value, form_value, json_value
from cache.values import MISSING, Code, Missing, Secret, SessionObject, Upload, Value

__all__ = [
    "MISSING",
    "Code",
    "Missing",
    "Secret",
    "SessionObject",
    "Upload",
    "Value",
    "cache_key",
    "canonical",
    "code_value",
    "form_value",
    "json_value",
    "normalise_code",
]

_NO_DEFAULTS: Final[Mapping[str, Value]] = MappingProxyType({})
_EXACT = 2**53  # beyond it a double no longer tells neighbouring whole numbers apart
_NOT_AS_TEXT = frozenset({"NA", "NaN", "Inf", "-Inf"})  # jsonlite, in an array of strings


def canonical(arguments: Mapping[str, Value]) -> str:
    """The one text that stands for these arguments; equal texts mean the same arguments.

    Texts inside carry their length, so no value can look like the end of another.

    Raises:
        ArgumentUnsupported: a value is of a kind that ``Value`` does not have.
    """
    return "".join(_parts(arguments, _NO_DEFAULTS))


def cache_key(
    function: str,
    arguments: Mapping[str, Value],
    *,
    defaults: Mapping[str, Value] = _NO_DEFAULTS,
    seed: int | None = None,
) -> str:
    """The key of a call: 32 hexadecimal digits (BLAKE2b, 128 bits).

    Args:
        function: qualified, as in ``scoring::gain``, or a session's key and object name.
        arguments: by name; R source for ``...`` is the argument of that name.
        defaults: what R sees for an argument that is left out, where that is declared.
        seed: of R's random numbers, when the call has one.

    Raises:
        ArgumentUnsupported: a value is of a kind that ``Value`` does not have.
    """
    parts = "".join(_parts(arguments, defaults))
    text = f"{len(function)}:{function}({parts}){'' if seed is None else seed}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _parts(arguments: Mapping[str, Value], defaults: Mapping[str, Value]) -> Iterator[str]:
    for name in sorted(arguments):
        try:
            text = _argument(arguments[name])
            if name in defaults and text == _argument(defaults[name]):
                continue
        except RecursionError:
            raise ArgumentUnsupported(name, "it nests too deep") from None
        except TypeError as error:
            raise ArgumentUnsupported(name, str(error)) from None
        yield f"{len(name)}:{name}={text};"


def _argument(value: Any) -> str:
    if type(value) is list and len(value) == 1:
        only = value[0]
        if isinstance(only, bool | int | float | str) and only not in _NOT_AS_TEXT:
            value = only
    return _text(value)


def _text(value: Any) -> str:
    # Ordered by how often a kind is met; bool before int, which it is a kind of.
    match value:
        case str():
            return f"s{len(value)}:{value}"
        case bool():
            return "T" if value else "F"
        case int() | float():
            return _number(value)
        case None:
            return "N"
        case Code():
            return _code(value)
        case list():
            return f"[{','.join(map(_text, value))}]"
        case dict():
            return f"{{{','.join(map(_member, value.items()))}}}"
        case Missing():
            return "M"
        case Upload():
            return f"u{len(value.name)}:{value.name}{len(value.digest)}:{value.digest}"
        case SessionObject():
            return f"o{len(value.session_key)}:{value.session_key}{len(value.name)}:{value.name}"
        case Secret():
            return f"e{len(value.variable)}:{value.variable}"
    raise TypeError(f"a {type(value).__name__} is no argument value")


def _number(value: float) -> str:
    if isinstance(value, int):
        if -_EXACT <= value <= _EXACT:
            return f"n{int(value)}"
        try:
            value = float(value)
        except OverflowError:
            return "ninf" if value > 0 else "n-inf"
    if value.is_integer() and -_EXACT <= value <= _EXACT:
        return f"n{int(value)}"
    return f"n{float(value)!r}"


def _code(value: Code) -> str:
    meaning = code_value(value.text)
    if type(meaning) is not Code:
        return _text(meaning)
    text = normalise_code(value.text)
    return f"r{len(text)}:{text}"


def _member(member: tuple[Any, Any]) -> str:
    name, value = member
    if not isinstance(name, str):
        raise TypeError(f"a member is named by a {type(name).__name__}")
    return f"{len(name)}:{name}={_text(value)}"
