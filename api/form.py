"""Form and query text: names and values, as OpenCPU splits them."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def form_pairs(content: bytes) -> list[tuple[str, str]]:
    """Returns the names and values of `a=1&b=2`, unescaped, in order; a name alone has no value.

    A value goes to the end of its field: OpenCPU cuts it at a second `=`, which only loses data.
    """
    pairs = []
    for item in content.split(b"&"):
        if not item:
            continue
        name, _, value = item.partition(b"=")
        pairs.append((_unescape(name), _unescape(value)))
    return pairs


def _unescape(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "replace")
