"""What differs between two values of an answer: its numbers, texts and the rest, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

ABSENT: Final = None
"""What stands where one of the values has no such part: what is missing in R, too."""


@dataclass(frozen=True)
class Part:
    """A part of a value that another value has otherwise.

    Attributes:
        path: Where it is, as R would say it: "gain", "coef$age", "gain[2]"; empty for the whole.
        before: What it was.
        after: What it is.
        change: By how much it is more; None unless both are numbers.
        relative: That as a part of what it was; None where that was 0, too.
    """

    path: str
    before: Any
    after: Any
    change: float | None = None
    relative: float | None = None

    @property
    def size(self) -> float:
        """How much it changed; less than nothing where that cannot be said."""
        return -1.0 if self.change is None else abs(self.change)


def parts_of(before: Any, after: Any, path: str = "") -> Iterator[Part]:
    """The parts in which two values, as plain JSON, are not the same.

    A table of one row, and a vector of one element, are looked at as what is in them.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            below = f"{path}${name}" if path else name
            yield from parts_of(before.get(name, ABSENT), after.get(name, ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _elements(before, after, path)
    elif not _is_same(before, after):
        yield _part(path, before, after)


def _elements(before: list[Any], after: list[Any], path: str) -> Iterator[Part]:
    if len(before) == len(after) == 1:
        yield from parts_of(before[0], after[0], path)
        return
    for place in range(max(len(before), len(after))):
        old = before[place] if place < len(before) else ABSENT
        new = after[place] if place < len(after) else ABSENT
        if isinstance(old, dict) and isinstance(new, dict):
            for part in parts_of(old, new):
                yield Part(f"{path}{'$' if path else ''}{part.path}[{place + 1}]", *_rest(part))
        else:
            yield from parts_of(old, new, f"{path}[{place + 1}]")


def _rest(part: Part) -> tuple[Any, Any, float | None, float | None]:
    return part.before, part.after, part.change, part.relative


def _part(path: str, before: Any, after: Any) -> Part:
    if not (_is_number(before) and _is_number(after)):
        return Part(path, before, after)
    change = float(after) - float(before)
    if not isfinite(change):
        return Part(path, before, after)
    return Part(path, before, after, change, change / abs(before) if before else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_same(before: Any, after: Any) -> bool:
    """Equal, and of one kind: TRUE is not 1."""
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)
