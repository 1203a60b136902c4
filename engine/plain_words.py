"""What callers may read: messages without the paths of this server, amounts with their units."""

from __future__ import annotations

import re

TAIL_LINES = 15
_NAME = r"[^\s/'\"\u2018\u2019\u201c\u201d:;,()<>]+"
_FOLDERS = re.compile(rf"file:///(?:{_NAME}/)*|(?<![\w:/.])/(?:{_NAME}/)+")


def without_paths(text: str) -> str:
    """Returns the text with each absolute path cut down to its last name; URLs stay."""
    return _FOLDERS.sub("", text)


def amount(value: float, unit: str) -> str:
    """Returns an amount with its unit; bytes in the largest unit there is one of."""
    if unit != "bytes":
        return f"{value:g} {unit}"
    sizes = ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"))
    size, name = next((pair for pair in sizes if value >= pair[0]), (1, "bytes"))
    return f"{value / size:.4g} {name}"


def last_lines(output: str) -> str:
    """Returns the end of a program's output, where compilers say what is wrong; without paths."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return without_paths("\n".join(lines[-TAIL_LINES:]))
