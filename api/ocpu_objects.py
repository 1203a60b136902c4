"""Objects in a format, and the listings and redirects that lead to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from api.errors import NotAllowed
from api.ocpu_request import OcpuRequest
from api.reply import Reply, text
from engine.evaluation import RenderedBody

MARKS = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""In the order of the Unicode Collation Algorithm's root, which leaves none of them out."""

UNESCAPED = "/:@!$&'()*+,;=~"
"""What a path of a URL may hold besides letters and digits. Names of R hold more: `[<-`, `?`."""


def redirect(request: OcpuRequest, path: str) -> Reply:
    """Returns a redirect to a path below the mount; the query is dropped, as OpenCPU drops it."""
    url = request.url(quote(path, safe=UNESCAPED))
    return Reply(302, f"Redirect to {url}\n".encode(), None, (("Location", url),))


def with_slash(request: OcpuRequest) -> Reply:
    """Returns a redirect to the same path with a slash at its end."""
    return redirect(request, request.path + "/")


def listing(names: Iterable[str], *, ignoring: str = "") -> Reply:
    """Returns names one a line, each once, in the order of R's `sort()` in a UTF-8 locale.

    `ignoring` is a mark that does not count: the dots in the names of packages.
    """
    ordered = sorted(set(names), key=lambda name: (_collation(name.replace(ignoring, "")), name))
    return text(200, "\n".join(ordered) + "\n")


def _collation(name: str) -> tuple[list[tuple[int, int]], str, list[bool]]:
    """Returns what ICU compares, with which R sorts.

    Marks come before digits, digits before letters; where the letters are the same, accents count,
    and then case, small letters first.
    """
    letters = unicodedata.normalize("NFD", name)
    plain = [letter for letter in letters if not unicodedata.combining(letter)]
    accents = "".join(letter for letter in letters if unicodedata.combining(letter))
    folded = "".join(plain).casefold()
    return [_rank(letter) for letter in folded], accents, [x.isupper() for x in plain]


def _rank(letter: str) -> tuple[int, int]:
    mark = MARKS.find(letter)
    if mark >= 0:
        return 0, mark
    return (1 if letter.isdecimal() else 2), ord(letter)


def rendered(body: RenderedBody) -> Reply:
    """Returns what R rendered."""
    return Reply(200, body.content, body.media_type, body.headers)


def only_reads(request: OcpuRequest) -> None:
    """Lets GET and HEAD pass.

    Raises:
        NotAllowed: any other method.
    """
    if not request.reads:
        raise NotAllowed(request.method, request.path)


def options_of(request: OcpuRequest) -> Mapping[str, str]:
    """Returns the options of a format; a name without a value is left out."""
    return {name: value for name, value in request.query.items() if value != ""}
