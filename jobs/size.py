"""Sizes in words: "10 GB", "512 MB". Units are powers of 1024, as R and most tools count memory."""

import re
from decimal import Decimal

from jobs.errors import ValueInvalid
from jobs.nearest import nearest

_UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_LARGEST = 2**60
_EXAMPLE = "for example: 512 MB, 10 GB"


def parse_size(text: str) -> int:
    """Bytes that `text` says; "GiB" is the same as "GB" here.

    Raises:
        ValueInvalid: If it is no size.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueInvalid(f"'{text}' is no size", _EXAMPLE)
    number, written = found.groups()
    if not written:
        raise ValueInvalid(f"'{text}' has no unit", f"write {number} MB, or another unit")
    unit = written.upper().replace("IB", "B")
    if unit not in _UNITS:
        guess = nearest(unit, _UNITS)
        hint = f"did you mean '{number} {guess}'?" if guess else _EXAMPLE
        raise ValueInvalid(f"'{text}': '{written}' is no unit of size", hint)
    size_bytes = Decimal(number) * _UNITS[unit]
    if size_bytes > _LARGEST:
        raise ValueInvalid(f"'{text}' is more than a machine has", _EXAMPLE)
    return int(size_bytes)


def format_size(size_bytes: int) -> str:
    """The size in the largest unit that says it exactly."""
    for unit, length in reversed(_UNITS.items()):
        if size_bytes % length == 0 and size_bytes >= length:
            return f"{size_bytes // length} {unit}"
    return "0 B"
