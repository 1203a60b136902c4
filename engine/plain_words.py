"""Messages without the paths of this server: what callers may read of what programs wrote."""

from __future__ import annotations

import re

TAIL_LINES = 15
_NAME = r"[^\s/'\"\u2018\u2019\u201c\u201d:;,()<>]+"
_FOLDERS = re.compile(rf"file:///(?:{_NAME}/)*|(?<![\w:/.])/(?:{_NAME}/)+")


def without_paths(text: str) -> str:
    """Returns the text with each absolute path cut down to its last name; URLs stay."""
    return _FOLDERS.sub("", text)


def last_lines(output: str) -> str:
    """Returns the end of a program's output, where compilers say what is wrong; without paths."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return without_paths("\n".join(lines[-TAIL_LINES:]))
