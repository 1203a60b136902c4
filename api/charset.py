"""The encoding of a body's text: UTF-8, unless its type or its first bytes say otherwise."""

from __future__ import annotations

import codecs
import json
import re
import shutil
from pathlib import Path

from python_multipart.multipart import parse_options_header

UTF8 = "utf-8"
COPY_BYTES = 1024 * 1024
_TEXT = re.compile(
    r"utf-?(8|16|32)([-_ ]?[bl]e)?|us-?ascii|ascii|iso-?8859-?\d+|latin-?1|(windows|cp)-?125\d",
    re.ASCII,
)


def charset_of(content_type: str | None) -> str:
    """Returns the codec of a content type's charset; UTF-8 if it names none that is known.

    ASCII is a part of UTF-8, so it is read as that.
    """
    named = parse_options_header(content_type)[1].get(b"charset", b"").decode("latin-1").lower()
    if not _TEXT.fullmatch(named.replace("_", "-")):
        return UTF8
    try:
        name = codecs.lookup(named).name
    except LookupError:
        return UTF8
    return UTF8 if name == "ascii" else name


def json_charset(beginning: bytes, charset: str) -> str:
    """Returns the codec of a JSON text: its first bytes may tell better than its type does.

    They are ASCII, or a byte order mark.
    """
    found = json.detect_encoding(beginning[:4])
    return charset if found == UTF8 else found


def decoded(content: bytes, charset: str = UTF8) -> str:
    """Returns the text; what is wrong in it becomes U+FFFD."""
    return content.decode(charset, "replace")


def make_utf8(path: Path, charset: str) -> None:
    """Rewrites a file in UTF-8, a piece at a time; blocks.

    Raises:
        OSError: there is no room for it.
    """
    if charset == UTF8:
        return
    rewritten = path.with_name(f"{path.name}.utf8")
    with (
        path.open(encoding=charset, errors="replace", newline="") as source,
        rewritten.open("w", encoding=UTF8, newline="") as target,
    ):
        shutil.copyfileobj(source, target, COPY_BYTES)
    rewritten.replace(path)
