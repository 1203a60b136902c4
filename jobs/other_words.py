"""Words that people bring from R, cron and other tools, and what those are here; for hints."""

from collections.abc import Container, Mapping
from typing import Final

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "arguments": ("args",),
    "parameters": ("args",),
    "params": ("args",),
    "fun": ("function",),
    "func": ("function",),
    "depends_on": ("after",),
    "needs": ("after",),
    "end": ("to",),
    "until": ("to",),
    "start": ("from",),
    "step": ("by",),
    "url": ("sql",),
    "select": ("query",),
    "id": ("key",),
    "tz": ("timezone",),
    "ttl": ("fresh_for", "cache"),
    "max_age": ("fresh_for", "cache"),
    "ram": ("memory", "limits"),
    "cpu": ("cpu_time", "limits"),
    "cores": ("processes", "limits"),
    "format": ("outputs",),
    "formats": ("outputs",),
    "environment": ("env",),
    "variable": ("env",),
}
_WORDS: Final[Mapping[str, str]] = {
    "numeric": "number",
    "double": "number",
    "float": "number",
    "real": "number",
    "int": "integer",
    "character": "string",
    "text": "string",
    "str": "string",
    "factor": "string",
    "date": "string",
    "logical": "boolean",
    "bool": "boolean",
    "list": "any",
    "never": "refuse",
    "compute": "run",
}
_BOOLEANS: Final = {
    **dict.fromkeys(("yes", "y", "on", "t"), "true"),
    **dict.fromkeys(("no", "n", "off", "f"), "false"),
}


def key_meant(word: str, valid: Container[str]) -> str:
    """The valid key that `word` is elsewhere, or an empty text."""
    return next((key for key in _KEYS.get(word.lower(), ()) if key in valid), "")


def word_meant(word: str, valid: Container[str]) -> str:
    """The valid word that `word` is elsewhere, or an empty text."""
    meant = _WORDS.get(word.lower(), "")
    return meant if meant in valid else ""


def boolean_meant(word: str) -> str:
    """`true` or `false`, if `word` is one of them in R or in YAML 1.1, or an empty text."""
    return _BOOLEANS.get(word.lower(), "")
