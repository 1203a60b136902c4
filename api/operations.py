"""Operations: what a request asks for, told from its method and path, and who may ask for it.

Every route of the application has a line here; a test holds that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.types import Scope

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
    Rule(READS, "/v1/sessions", "look", Role.CALLER),
    Rule(("PATCH",), "/v1/sessions/{key}", "share", Role.CALLER),
    Rule(READS, "/v1/calls", "look", Role.CALLER),
    Rule(READS, "/v1/calls/{key}", "follow", Role.CALLER),
    Rule(("DELETE",), "/v1/calls/{key}", "cancel", Role.CALLER),
    Rule(READS, "/v1/calls/{key}/events", "follow", Role.CALLER),
    Rule(READS, "/v1/keys", "keys", Role.ADMIN),
    Rule(("POST",), "/v1/keys", "keys", Role.ADMIN),
    Rule(("DELETE",), "/v1/keys/{key}", "keys", Role.ADMIN),
    Rule(("POST",), "/v1/keys/{key}/rotate", "keys", Role.ADMIN),
    Rule(READS, "/v1/audit", "audit", Role.ADMIN),
    Rule(READS, "/metrics", "look", Role.VIEWER),
    Rule(READS, "/healthz", "health", None),
    Rule(READS, "/readyz", "health", None),
    Rule(READS, "/schema/jobs.json", "look", None),
    Rule(READS, "/openapi.json", "look", None),
    Rule(READS, "/docs", "look", None),
    Rule(READS, "/docs/problems", "look", None),
    Rule(READS, "/static/web/{path:path}", "look", None),
    Rule(READS, "/static/{path:path}", "look", None),
    Rule(READS, "/favicon.ico", "look", None),
    Rule(READS, "/login", "sign in", None),
    Rule(("POST",), "/login", "sign in", None),
    Rule(READS, "/login/issuer", "sign in", None),
    Rule(READS, "/login/callback", "sign in", None),
    Rule(READS, "/logout", "sign out", None),
    Rule(("POST",), "/logout", "sign out", None),
    Rule(READS, "/", "look", Role.VIEWER),
    Rule(READS, "/jobs/{job}", "look", Role.VIEWER),
    Rule(READS, "/jobs/{job}/cells", "read", Role.VIEWER),
    Rule(READS, "/jobs/{job}/cell", "read", Role.VIEWER),
    Rule(("POST",), "/jobs/{job}/runs", "run", Role.OPERATOR),
    Rule(READS, "/runs", "look", Role.OPERATOR),
    Rule(READS, "/runs/{run_id}", "look", Role.OPERATOR),
    Rule(("POST",), "/runs/{run_id}/cancel", "cancel", Role.OPERATOR),
    Rule(READS, "/definitions", "look", Role.OPERATOR),
    Rule(READS, "/explore", "look", Role.CALLER),
    Rule(READS, "/explore/{package}", "look", Role.CALLER),
    Rule(READS, "/explore/{package}/{function}", "look", Role.CALLER),
    Rule(("POST",), "/explore/{package}/{function}", "call", Role.CALLER),
    Rule(READS, "/sessions", "look", Role.CALLER),
    Rule(READS, "/sessions/{key}", "read", Role.CALLER),
)
_OPERATION: Final = "larder.operation"
_REFUSAL: Final = "larder.refusal"
UNKNOWN: Final = Operation("look", Role.VIEWER)
"""Of a path without a route: who may read anything is told that there is nothing."""


@lru_cache(maxsize=4096)
def operation_of(method: str, path: str) -> Operation:
    """Returns what a request asks for."""
    if is_ocpu(path):
        return _of_ocpu(method, [part for part in path.split("/")[2:] if part])
    for rule, pattern in _PATTERNS:
        if method in rule.methods and (found := pattern.fullmatch(path)):
            named = found.groupdict()
            job = named.get("job")  # in results with the ending of a format
            of_package = "package" in named and "function" in named
            function = f"{named['package']}::{named['function']}" if of_package else None
            return Operation(rule.name, rule.least, job and job.partition(".")[0], function)
    return UNKNOWN


def set_operation(scope: Scope, operation: Operation) -> None:
    """Notes what the request asks for."""
    scope[_OPERATION] = operation


def operation_in(scope: Scope) -> Operation:
    """Returns what the request of this scope asks for."""
    noted: Operation | None = scope.get(_OPERATION)
    return noted or operation_of(scope["method"], scope["path"])


def note_refusal(scope: Scope, error: Exception) -> None:
    """Notes why the request was not let through."""
    scope[_REFUSAL] = type(error).__name__


def refusal_in(scope: Scope) -> str | None:
    """Returns the kind of error for which the request was not let through; None where it was."""
    refusal: str | None = scope.get(_REFUSAL)
    return refusal


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
    if method != "POST":
        return Operation("read", Role.CALLER)
    # Prepared answers are read by calls, too: whether R has to be asked is seen behind the gate.
    least = Role.VIEWER if section in ("library", "lib") else Role.CALLER
    return Operation("call", least, function=_function(section, parts[1:]))


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
