"""What the server says: lines for people, or one JSON object a line for programs.

Each names the request that it is about, if it is about one. No text that came from outside begins
a line of its own, and none shows an access key.

Modules log with the standard library ("event words key=%s"); this gives their records a form. The
keys become fields of the JSON, so that a log collector need not take sentences apart.
"""

import logging
import re
import sys
from typing import Any

import structlog
import structlog.dev
import structlog.processors
import structlog.stdlib
from structlog.typing import EventDict, Processor

from engine.request_id import current_request
from jobs.access_key import hide_keys

_FIELD = re.compile(r"\s*\b(\w+)=%[-+.\d]*[sdrfge]")
_BREAK = re.compile(r"\r\n|[\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_QUIET = ("apscheduler", "uvicorn", "watchfiles", "alembic", "asyncio", "rpy2")
_SILENT = ("python_multipart",)  # it warns of every broken upload, which its sender is told of


def configure_log(*, level: str, form: str, role: str = "") -> None:
    """Has everything that this process logs written to stderr.

    Args:
        level: The least important level that is written: debug, info, warning, error.
        form: "text" or "json".
        role: The role that this process plays, named in every line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(
                    fmt="iso" if form == "json" else "%Y-%m-%d %H:%M:%S", utc=form == "json"
                ),
                _with_role(role),
                _with_request,
            ],
            pass_foreign_args=True,
            processors=_for_programs() if form == "json" else _for_people(),
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:  # they tell their own story; ours is the operator's
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def warn_if_insecure(host: str) -> None:
    """Says in the log of a role what `insecure` means for an address beyond this machine."""
    message = "insecure: asking nobody for a key until one is made, walls or not host=%s"
    logging.getLogger(__name__).warning(message, host)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes a record, its traceback too, without access keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns what is written."""
        return hide_keys(super().format(record))


def _for_programs() -> list[Processor]:
    return [
        _fields_of_the_message,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
    ]


def _for_people() -> list[Processor]:
    colours = sys.stderr.isatty()
    styles = structlog.dev.ConsoleRenderer.get_default_level_styles(colours)
    faint, plain = ("\033[2m", "\033[0m") if colours else ("", "")
    columns = [
        structlog.dev.Column("timestamp", _column(faint, plain)),
        structlog.dev.Column("level", _level_column(styles, plain)),
        structlog.dev.Column("role", _column(faint, plain)),
        structlog.dev.Column("event", _column("", plain)),
        structlog.dev.Column("request", _request_column(faint, plain)),
        structlog.dev.Column("", _column("", plain)),
    ]
    return [
        _only_the_message,
        _in_one_line,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.dev.ConsoleRenderer(
            columns=columns, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _column(style: str, plain: str) -> structlog.dev.KeyValueColumnFormatter:
    return structlog.dev.KeyValueColumnFormatter(
        key_style=None, value_style=style, reset_style=plain, value_repr=str
    )


def _request_column(style: str, plain: str) -> structlog.dev.KeyValueColumnFormatter:
    """Behind the words, by its name."""
    return structlog.dev.KeyValueColumnFormatter(
        key_style=style, value_style=style, reset_style=plain, value_repr=str
    )


def _level_column(styles: dict[str, str], plain: str) -> structlog.dev.ColumnFormatter:
    return lambda _key, level: f"{styles.get(str(level), '')}{level!s:<7}{plain}"


def _with_request(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if request_id := current_request():
        event["request"] = request_id
    return event


def _in_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Has the lines of a text begin so that none can be taken for a message of its own."""
    lines = _BREAK.split(str(event["event"]))
    event["event"] = "\n  | ".join(_CONTROL.sub(_written_out, line) for line in lines)
    return event


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _with_role(role: str) -> Processor:
    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        if role:
            event["role"] = role
        return event

    return add


def _only_the_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("positional_args", None)
    return event


def _fields_of_the_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Takes "run finished run=%d cells=%d" apart: the words are the event, the rest are fields."""
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    values = event.pop("positional_args", None)
    names = _FIELD.findall(str(record.msg))
    if isinstance(values, tuple) and names and len(names) == len(values):
        event["event"] = _FIELD.sub("", str(record.msg)).strip()
        event.update(zip(names, values, strict=True))
    return event
