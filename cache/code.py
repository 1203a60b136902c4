"""R source text: what may be left out of it without changing what R reads."""

import re

# Blanks, line ends and comments between tokens. A comment runs to the line feed, so a carriage
# return before it belongs to the comment; elsewhere CR LF is one line end.
_GAP = r"(?P<gap>(?:[ \t\f\n]|\r\n|\#[^\n]*)+)"

_TOKEN = re.compile(
    _GAP
    + r"""
    | (?P<kept>
          [rR](?P<quote>["'])(?P<dashes>-*)
              (?:\(.*?\)|\[.*?\]|\{.*?\})(?P=dashes)(?P=quote)   # raw strings come before words
        | "[^"\\]*+(?:\\.[^"\\]*+)*+"
        | '[^'\\]*+(?:\\.[^'\\]*+)*+'
        | `[^`\\]*+(?:\\.[^`\\]*+)*+`
        | %[^%\n]*%
        | (?![rR]["'])[\w.]+
        | [^\w."'`%\#\r]
      )
    """,
    re.VERBOSE | re.DOTALL,
)

# Words and operators with single spaces between them: nothing to do.
_TIDY = re.compile(r"""[^\s"'`%#]++(?: [^\s"'`%#]++)*+""")


def normalise_code(text: str) -> str:
    """R source with each gap between tokens made as short as it can be.

    A run of blanks becomes one space; a run that has a line end in it becomes one line feed, since
    a line end can end a statement; comments go; both ends are stripped. Strings, raw strings,
    quoted names and ``%op%`` are kept to the byte. Tokens are never joined or split. A text that R
    could not read (an open quote, a lone carriage return) comes back as it was.
    """
    if _TIDY.fullmatch(text):
        return text
    parts: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return text
        at = token.end()
        if token["kept"] is not None:
            parts.append(token["kept"])
        elif parts and at < len(text):
            parts.append("\n" if "\n" in token["gap"] else " ")
    return "".join(parts)
