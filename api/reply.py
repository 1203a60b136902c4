"""What goes back over HTTP, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace

Headers = tuple[tuple[str, str], ...]

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """A status, headers in order and a body."""

    status: int
    body: bytes = b""
    media_type: str | None = None
    headers: Headers = ()

    def with_headers(self, *headers: tuple[str, str]) -> Reply:
        """Returns the reply with headers added; a header that is there already stays as it is.

        Only Vary is a list of which each layer knows its own part.
        """
        present = {name.lower() for name, _ in self.headers} - {"vary"}
        more = tuple(header for header in headers if header[0].lower() not in present)
        return replace(self, headers=(*self.headers, *more))

    def has(self, name: str) -> bool:
        """Whether there is such a header."""
        return any(given.lower() == name.lower() for given, _ in self.headers)

    def wire_headers(self) -> list[tuple[bytes, bytes]]:
        """Returns the headers as ASGI wants them: a new list each time, as layers may change it."""
        lines = [("Content-Length", str(len(self.body)))] if self.status != 304 else []
        if self.media_type is not None:
            lines.append(("Content-Type", self.media_type))
        lines.extend(self.headers)
        return [
            (name.lower().encode(), value.encode("latin-1", "replace")) for name, value in lines
        ]


def text(status: int, message: str, *headers: tuple[str, str]) -> Reply:
    """Returns a reply of plain text."""
    return Reply(status, message.encode(), TEXT, tuple(headers))
