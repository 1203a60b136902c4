"""What R said before a cell failed, from its session or, where none came to be, from the engine."""

from pathlib import Path
from typing import Final, TypeVar

from cache.errors import CacheError
from cache.manifest import MANIFEST, Manifest
from cache.sessions import Stage
from engine.errors import EngineError, RError
from jobs.records import Failure

CONSOLE_BYTES: Final = 16 * 1024
"""How much of the end of what a cell printed is kept."""
MOST_WARNINGS: Final = 50
LONGEST_TEXT: Final = 16 * 1024

E = TypeVar("E", bound=EngineError)


def with_story(error: E, stage: Stage) -> E:
    """The error of a call, with what it printed and warned of, as its session tells it."""
    manifest = _manifest(stage.path / MANIFEST)
    if manifest is None:
        return error
    lines = (text if text.endswith("\n") else f"{text}\n" for text in manifest.texts["console"])
    error.printed = "".join(lines)
    error.warnings = tuple(manifest.texts["warnings"])
    return error


def failure_of(error: Exception) -> Failure:
    """What is kept of it."""
    known = error if isinstance(error, EngineError) else EngineError()
    told = known.printed.encode(errors="replace")
    shown = told[-CONSOLE_BYTES:].decode(errors="replace")
    if len(told) > CONSOLE_BYTES:
        shown = shown.lstrip("\ufffd")  # what is left of a character that was cut
    return Failure(
        kind=type(error).__name__,
        message=str(error)[:LONGEST_TEXT],
        text=(error.text if isinstance(error, RError) else str(error))[:LONGEST_TEXT],
        warnings=tuple(text[:LONGEST_TEXT] for text in known.warnings[:MOST_WARNINGS]),
        console=shown,
        console_bytes=len(told),
    )


def _manifest(path: Path) -> Manifest | None:
    try:
        return Manifest.from_json(path.read_bytes())
    except (OSError, CacheError):  # R ended before it could make one
        return None
