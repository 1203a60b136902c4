"""What a session holds, as its file ``.larder.json`` says it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from cache.clock import from_text, to_text
from cache.errors import SessionError, SessionFormatTooNew

FORMAT: Final = 1
MANIFEST: Final = ".larder.json"
_TEXTS: Final = ("stdout", "messages", "warnings", "source", "console")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a session holds.

    ``texts`` has the keys stdout, messages, warnings, source and console, each a list of pieces in
    the order they came. ``error`` is R's whole message when the call failed. ``cache_key`` is that
    of the entry made of the session, if one was. ``owner`` is whoever had it made, empty where
    nobody said; ``shared`` that others may read it too. ``extra`` holds what a later Larder of the
    same format added.
    """

    created_at: datetime
    function: str | None = None
    objects: tuple[str, ...] = ()
    graphics: int = 0
    files: tuple[str, ...] = ()
    texts: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None
    cache_key: str | None = None
    owner: str = ""
    shared: bool = False
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The content of the file; ``from_json`` reads it back as it was."""
        return orjson.dumps(
            {
                **self.extra,
                "format": self.format,
                "created_at": to_text(self.created_at),
                "function": self.function,
                "objects": self.objects,
                "graphics": self.graphics,
                "files": self.files,
                "texts": self.texts,
                "error": self.error,
                "cache_key": self.cache_key,
                "owner": self.owner,
                "shared": self.shared,
            }
        )

    @classmethod
    def from_json(cls, data: bytes, session_key: str = "?") -> "Manifest":
        """The manifest in this file.

        A lone text stands for a list of one, as R's JSON writers would have it.

        Raises:
            SessionFormatTooNew: a later Larder wrote it.
            SessionError: it makes no sense; the error names ``session_key``.
        """
        try:
            found: dict[str, Any] = orjson.loads(data)
            if found["format"] > FORMAT:
                raise SessionFormatTooNew(session_key, found["format"], FORMAT)
            texts: dict[str, Any] = found.pop("texts")
            return cls(
                format=found.pop("format"),
                created_at=from_text(found.pop("created_at")),
                function=found.pop("function"),
                objects=tuple(_list(found.pop("objects"))),
                graphics=int(found.pop("graphics")),
                files=tuple(_list(found.pop("files"))),
                texts={
                    name: _list(texts.get(name, [])) for name in {**dict.fromkeys(_TEXTS), **texts}
                },
                error=found.pop("error"),
                cache_key=found.pop("cache_key", None),
                owner=str(found.pop("owner", "")),
                shared=found.pop("shared", False) is True,
                extra=found,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SessionError(session_key, f"its manifest cannot be read: {error!r}") from error


def _list(pieces: str | list[str]) -> list[str]:
    return [pieces] if isinstance(pieces, str) else list(pieces)
