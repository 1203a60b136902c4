"""Operations: what a request asks for, told from its method and path, and who may ask for it.

Every route of the application has a line here; a test holds that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from api.request_path import is_ocpu
from jobs.role import Role

READS: Final = ("GET", "HEAD")


@dataclass(frozen=True)
class Operation:
    """A thing to ask for.

    Attributes:
        name: As the audit has it.
        least: The least role that may ask for it; None where nobody is asked who they are.
        job: The job it is about, if one.
        function: The function it is about, `package::name`, if one.
    """

    name: str
    least: Role | None
    job: str | None = None
    function: str | None = None


@dataclass(frozen=True)
class Rule:
    """What one route is.

    Attributes:
        methods: Of the requests.
        path: As the route has it, with {names}.
        name: The operation's.
        least: The least role.
    """

    methods: tuple[str, ...]
    path: str
    name: str
    least: Role | None


RULES: Final = (
    Rule(READS, "/v1/results/{job}", "read", Role.VIEWER),
    Rule(READS, "/v1/results/{job}/table", "read", Role.VIEWER),
    Rule(READS, "/v1/results/{job}/table.{ending}", "read", Role.VIEWER),
    Rule(READS, "/v1/jobs", "look", Role.VIEWER),
    Rule(READS, "/v1/jobs/{job}", "look", Role.VIEWER),
    Rule(READS, "/v1/jobs/{job}/explain", "look", Role.VIEWER),
    Rule(READS, "/v1/jobs/{job}/diff", "read", Role.VIEWER),
    Rule(READS, "/v1/jobs/{job}/runs", "look", Role.OPERATOR),
    Rule(("POST",), "/v1/jobs/{job}/runs", "run", Role.OPERATOR),
    Rule(READS, "/v1/runs", "look", Role.OPERATOR),
    Rule(READS, "/v1/runs/{run_id}", "look", Role.OPERATOR),
    Rule(("DELETE",), "/v1/runs/{run_id}", "cancel", Role.OPERATOR),
    Rule(READS, "/v1/runs/{run_id}/cells", "look", Role.OPERATOR),
    Rule(READS, "/v1/runs/{run_id}/events", "look", Role.OPERATOR),
    Rule(READS, "/v1/definitions", "look", Role.OPERATOR),
    Rule(READS, "/v1/sessions", "look", Role.OPERATOR),
    Rule(READS, "/v1/calls", "look", Role.OPERATOR),
    Rule(READS, "/v1/calls/{key}", "follow", Role.CALLER),
    Rule(("DELETE",), "/v1/calls/{key}", "cancel", Role.CALLER),
    Rule(READS, "/v1/calls/{key}/events", "follow", Role.CALLER),
    Rule(READS, "/v1/keys", "keys", Role.ADMIN),
    Rule(("POST",), "/v1/keys", "keys", Role.ADMIN),
    Rule(("DELETE",), "/v1/keys/{key}", "keys", Role.ADMIN),
    Rule(("POST",), "/v1/keys/{key}/rotate", "keys", Role.ADMIN),
    Rule(READS, "/metrics", "look", Role.VIEWER),
    Rule(READS, "/healthz", "health", None),
    Rule(READS, "/readyz", "health", None),
    Rule(READS, "/schema/jobs.json", "look", None),
    Rule(READS, "/openapi.json", "look", None),
    Rule(READS, "/docs", "look", None),
    Rule(READS, "/docs/problems", "look", None),
    Rule(READS, "/static/{path:path}", "look", None),
    Rule(READS, "/favicon.ico", "look", None),
    Rule(READS, "/", "look", None),
)
UNKNOWN: Final = Operation("look", Role.VIEWER)
"""Of a path without a route: who may read anything is told that there is nothing."""


@lru_cache(maxsize=4096)
def operation_of(method: str, path: str) -> Operation:
    """Returns what a request asks for."""
    if is_ocpu(path):
        return _of_ocpu(method, [part for part in path.split("/")[2:] if part])
    for rule, pattern in _PATTERNS:
        if method in rule.methods and (found := pattern.fullmatch(path)):
            job = found.groupdict().get("job")  # in results with the ending of a format
            return Operation(rule.name, rule.least, job=job and job.partition(".")[0])
    return UNKNOWN


def _of_ocpu(method: str, parts: list[str]) -> Operation:
    """What a request below /ocpu asks for; `parts` are the segments behind it."""
    section = parts[0] if parts else ""
    if method == "OPTIONS":
        return Operation("preflight", None)
    if section in ("", "test"):
        return Operation("look", None)
    if section == "webhook":  # signed, or looked up at GitHub, in its own way
        return Operation("install", None)
    if section == "tmp":
        return Operation({"POST": "call", "DELETE": "delete"}.get(method, "read"), Role.CALLER)
    if method == "POST":
        return Operation("call", Role.VIEWER, function=_function(section, parts[1:]))
    return Operation("read", Role.CALLER)


def _function(section: str, rest: list[str]) -> str | None:
    """The function that a path below a library names."""
    if section not in ("library", "lib"):
        return None
    match rest:
        case [package, "R", name, *_]:
            return f"{package}::{name}"
        case [named, *_] if "::" in named:
            package, _, name = named.partition("::")
            return f"{package}::{name.removeprefix(':')}"
    return None


def _pattern(path: str) -> re.Pattern[str]:
    """What matches the paths of a route, as Starlette's routes do."""
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    made = ""
    for index in range(0, len(parts), 3):
        made += re.escape(parts[index])
        if index + 1 < len(parts):
            made += f"(?P<{parts[index + 1]}>{'.*' if parts[index + 2] else '[^/]+'})"
    return re.compile(made)


_PATTERNS: Final = [(rule, _pattern(rule.path)) for rule in RULES]
