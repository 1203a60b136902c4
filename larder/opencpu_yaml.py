"""larder.yaml as it is written for those who come from OpenCPU: each line says what it was."""

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.shown import as_yaml
from larder.opencpu_import import Line, Translation, settings_of

_WIDTH = 96
_COLUMN = 48
"""Where comments begin at most; behind a longer line they follow at once."""
_ALLOW = """\
# Nothing may be installed from GitHub, CRAN and the like until `allow`, below `install`, names it:
#   allow: [github::OWNER/*, cran::PACKAGE]
"""


def render(made: Translation, origins: Sequence[str]) -> str:
    """The text of the file.

    Args:
        made: What it has to say.
        origins: The files that it was made of.
    """
    parts = [f"# Made of {', '.join(origins)} by `larder import-opencpu`.\n"]
    written = list(_settings(made))
    if written:
        parts.append("\n".join(written) + "\n")
    if made.same:
        told = f"As Larder has it anyway, so left out: {', '.join(made.same)}."
        parts.append(_comment(told))
    if made.without:
        parts.append("# Without a counterpart:\n" + "".join(_reasons(made.without)))
    return "\n".join([*parts, _ALLOW])


def _settings(made: Translation) -> Iterator[str]:
    """The settings, each with what it was called; all comments begin in one column."""
    comments = {".".join(map(str, line.path)): _was(line) for line in made.lines}
    lines = list(_lines(settings_of(made.lines), ""))
    lengths = [len(text) for text, name in lines if name in comments]
    width = max((length for length in lengths if length <= _COLUMN), default=0)
    for text, name in lines:
        yield f"{text:<{width}}  # {comments[name]}" if name in comments else text


def _lines(group: dict[str, Any], name: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The lines of a group of settings, and the setting that each is about."""
    for key, value in group.items():
        below = f"{name}.{key}" if name else key
        if isinstance(value, dict):
            yield f"{'  ' * depth}{key}:", ""
            yield from _lines(value, below, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: {as_yaml(value)}", below


def _was(line: Line) -> str:
    if line.path == ("ocpu", "apis"):
        return f"{line.remark}: false"
    text = f"{line.source.key}: {line.source.text}"
    return f"{text} ({line.remark})" if line.remark else text


def _reasons(without: dict[str, str]) -> Iterator[str]:
    width = max(map(len, without)) + 1
    for key, reason in without.items():
        yield f"#   {key + ':':<{width}} {reason}\n"


def _comment(text: str) -> str:
    lines, line = [], "#"
    for word in text.split():
        if len(line) + len(word) >= _WIDTH:
            lines.append(line)
            line = "#"
        line += f" {word}"
    return "\n".join([*lines, line]) + "\n"
