"""Form and query text: names and values, as OpenCPU splits them."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

FORM = "application/x-www-form-urlencoded"


def form_pairs(content: bytes, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Returns the names and values of `a=1&b=2`, unescaped, in order; a name alone has no value.

    A value goes to the end of its field: OpenCPU cuts it at a second `=`, which only loses data.
    A `%` that begins no escape stays as it is.
    """
    pairs = []
    for item in content.split(b"&"):
        if not item:
            continue
        name, _, value = item.partition(b"=")
        pairs.append((_unescape(name, charset), _unescape(value, charset)))
    return pairs


def _unescape(part: bytes, charset: str) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode(charset, "replace")
