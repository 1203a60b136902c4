"""ArgumentSpec: what one argument of a job may be, and how it is read from a query."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final, Literal

from cache.keys import Code, Secret, SessionObject, Upload, Value, canonical, code_value
from jobs.argument_fault import ArgumentFault
from jobs.errors import ArgumentInvalid
from jobs.nearest import did_you_mean
from jobs.shown import described, shown, shown_number

ArgumentType = Literal["string", "number", "integer", "boolean", "any"]


class NoDefault(Enum):
    """The one value that says: this argument has no default (None is R's NULL)."""

    NO_DEFAULT = "no default"


NO_DEFAULT: Final = NoDefault.NO_DEFAULT

_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False, "TRUE": True, "FALSE": False}
_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "any": "any value",
}
_MOST_SHOWN = 12


def identity(value: Value) -> str:
    """The text that values share when R would see one: 3 and 3.0 do, 1 and TRUE and "1" do not."""
    return canonical({"value": value})


@dataclass(frozen=True)
class ArgumentSpec:
    """What one argument may be.

    Attributes:
        name: The argument's name in R.
        type: What kind of value it takes.
        values: The only values allowed, or None.
        min: Smallest number allowed, or None.
        max: Largest number allowed, or None.
        unit: Unit of the number, for people.
        default: Value when it is left out, or `NO_DEFAULT`.
        required: Whether a call must give it.
        description: What it means, for people.
    """

    name: str
    type: ArgumentType = "any"
    values: tuple[Value, ...] | None = None
    min: float | None = None
    max: float | None = None
    unit: str = ""
    default: Value | NoDefault = NO_DEFAULT
    required: bool = True
    description: str = ""

    def parse(self, text: str) -> Value:
        """The value that `text` of a query string means.

        Raises:
            ArgumentInvalid: If the argument does not allow it.
        """
        if self.type == "string":
            return self.accept(text)
        if self.type == "boolean":
            return self.accept(_BOOLEANS.get(text.strip(), text))
        if self.type == "any":
            return self.accept(self._parse_any(text))
        number = _NUMBER.fullmatch(text.strip())
        return self.accept(_to_number(text) if number else text)

    def accept(self, value: Value) -> Value:
        """The value in its plainest form (70 for 70.0), if the argument allows it.

        R code, uploads and stored objects are allowed for any type: only R knows their value.

        Raises:
            ArgumentInvalid: If the argument does not allow it.
        """
        if isinstance(self.default, Secret):
            raise self._fault(f"{self.name} is a secret that the server has", "leave it out")
        value = self._without_wrapping(value)
        if isinstance(value, Code | Upload | SessionObject) and self.values is None:
            return value
        if not _TYPE_CHECKS[self.type](value):
            raise self._fault(f"{self.name} must be {self.expected()}, not {described(value)}")
        plain = _plainest(value)
        if self.values is not None:
            return self._one_of_values(plain)
        if isinstance(plain, int | float) and not isinstance(plain, bool):
            self._check_range(plain)
        return plain

    def expected(self) -> str:
        """What the argument takes, in words: "a number between 60 and 110 lb"."""
        if self.values is not None:
            return f"one of {self._values_shown()}"
        unit = f" {self.unit}" if self.unit else ""
        kind = _KINDS[self.type]
        low = shown_number(self.min) if self.min is not None else ""
        high = shown_number(self.max) if self.max is not None else ""
        if low and high:
            return f"{kind} between {low} and {high}{unit}"
        if low or high:
            return f"{kind} of at {'least' if low else 'most'} {low or high}{unit}"
        return f"{kind} in {self.unit}" if self.unit else kind

    def missing(self) -> ArgumentFault:
        """The fault of a call that leaves the argument out."""
        return ArgumentFault(self.name, f"{self.name} is missing", f"give {self.expected()}")

    def _without_wrapping(self, value: Value) -> Value:
        """R code that is only a literal is that literal, and R has no scalars: [3] is 3."""
        if isinstance(value, Code):
            return code_value(value.text)
        if isinstance(value, list) and len(value) == 1 and self.type != "any":
            only: Value = value[0]
            return only
        return value

    def _parse_any(self, text: str) -> Value:
        for allowed in self.values or ():
            if text == (allowed if isinstance(allowed, str) else json.dumps(_json(allowed))):
                return allowed
        try:
            value: Value = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return text
        return value

    def _one_of_values(self, value: Value) -> Value:
        text = identity(value)
        if text in self._by_identity:
            return self._by_identity[text]
        reason = f"{self.name} is {shown(_json(value))}; allowed: {self._values_shown()}"
        raise self._fault(reason, self._nearest_value(value))

    @cached_property
    def _by_identity(self) -> dict[str, Value]:
        return {identity(value): value for value in self.values or ()}

    def _nearest_value(self, value: Value) -> str:
        allowed = self.values or ()
        numbers = [v for v in allowed if isinstance(v, int | float) and not isinstance(v, bool)]
        if isinstance(value, int | float) and not isinstance(value, bool) and numbers:
            return f"nearest: {shown_number(min(numbers, key=lambda v: abs(v - value)))}"
        texts = [v for v in allowed if isinstance(v, str)]
        return did_you_mean(str(value), texts) if isinstance(value, str) else ""

    def _check_range(self, value: float) -> None:
        low = self.min if self.min is not None else -math.inf
        high = self.max if self.max is not None else math.inf
        if not low <= value <= high:
            nearest = shown_number(low if value < low else high)
            unit = f" {self.unit}" if self.unit else ""
            reason = f"{self.name} is {shown_number(value)}; allowed: {self.expected()}"
            raise self._fault(reason, f"nearest: {nearest}{unit}")

    def _values_shown(self) -> str:
        allowed = self.values or ()
        some = ", ".join(shown(_json(value)).strip("'") for value in allowed[:_MOST_SHOWN])
        rest = len(allowed) - _MOST_SHOWN
        return f"{some} and {rest} more" if rest > 0 else some

    def _fault(self, reason: str, hint: str = "") -> ArgumentInvalid:
        return ArgumentInvalid([ArgumentFault(self.name, reason, hint)])


def _is_number(value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or not math.isnan(value)  # isnan() refuses what no float holds


def _is_whole(value: Value) -> bool:
    return _is_number(value) and isinstance(value, int | float) and value % 1 == 0


_TYPE_CHECKS: dict[str, Callable[[Value], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_whole,
    "boolean": lambda value: isinstance(value, bool),
    "any": lambda _: True,
}


def _plainest(value: Value) -> Value:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _to_number(text: str) -> float:
    return int(text) if re.fullmatch(r"\s*[-+]?[0-9]{1,15}\s*", text) else float(text)


def _json(value: Value) -> object:
    return {"r": value.text} if isinstance(value, Code) else value


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON
