"""POST: calls of functions. What a job declares is looked up and kept; anything else just runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from api.arguments import Arguments, read_arguments
from api.caller import Caller
from api.ocpu_files import package_folder, path_below
from api.ocpu_kept import DRAWINGS, answer_kept
from api.ocpu_objects import options_of
from api.ocpu_replies import call_reply, failure_reply
from api.ocpu_request import OcpuRequest
from api.package_address import PackageAddress
from api.promise import asked
from api.reply import Reply
from api.services import Services
from engine.call import FunctionCall, Output, Priority
from engine.reach import session_keys
from jobs.call import Call
from jobs.errors import CallFailed
from jobs.materialise import Evaluated

VALUES = {"json", "print", "csv", "tab", "md", "ndjson", "rds", "rda", "pb", "bin", "console"}
TABLES = {"feather", "arrowipc", "parquet", "spss", "sas", "stata"}
SHORTCUTS = frozenset(VALUES | TABLES | DRAWINGS | {"file"})
"""Endings of a call's URL that ask for the value itself; any other is answered with the listing."""


def call_function(
    request: OcpuRequest,
    services: Services,
    rest: list[str],
    *,
    name: str,
    package: PackageAddress | None = None,
    session_key: str | None = None,
) -> Reply:
    """Calls a function of a package or of a session; `rest` may name a format.

    A function that a job declares is answered from the cache when its answer is there.

    Raises:
        Forbidden: the caller may not call it, or not with such arguments.
    """
    rights = services.rights(request.caller)
    if package is None:
        rights.check_code("calling a session's function")
    else:
        rights.check_call(f"{package.place}::{name}")
    output = rest[0] if rest and rest[0] in SHORTCUTS else None
    if request.promise is not None:
        request.promise.address = _below_session(output, request.query_text)
    with _upload_folder(services) as folder:
        given = read_arguments(request.body, folder, rights.arguments)
        target = FunctionCall(
            package.name if package else None,
            name,
            given.arguments,
            given.body,
            session_key=session_key,
            library=package.library if package else None,
        )
        function = f"{package.name}::{name}" if package else name
        declared = rights.jobs_of(function) if package and not package.library else ()
        if declared and given.values is not None and _sees_all_named(request, services, target):
            call = asked_by(request.caller, services, kept_call(function, given, target))
            found = services.pantry.resolve(call, among=declared)
            if found is not None:
                return answer_kept(request, services, call, found, output)
        return _run(request, services, Call(function, {}, target, given.place), output)


def call_script(
    request: OcpuRequest, services: Services, package: PackageAddress, parts: list[str]
) -> Reply:
    """Runs a script or document of a package.

    Raises:
        Forbidden: the caller may not run scripts.
    """
    services.rights(request.caller).check_code("running a script")
    path = path_below(package_folder(package, services), parts)
    return run_script(request, services, path, package.name, package.library)


def run_script(
    request: OcpuRequest,
    services: Services,
    path: Path,
    origin: str,
    library: str | None = None,
) -> Reply:
    """Runs a script or document; its outputs are files.

    `origin` is whose script it is, for logs: a package, a gist. That the caller may run scripts is
    looked at before one is looked for.
    """
    with _upload_folder(services) as folder:
        given = read_arguments(request.body, folder)
        target = FunctionCall(
            origin, path.name, given.arguments, given.body, script=str(path), library=library
        )
        call = Call(f"{origin}::{path.name}", {}, target, given.place)
        return _run(request, services, call, None)


def kept_call(function: str, given: Arguments, target: FunctionCall) -> Call:
    """Returns the call as the cache knows it.

    Without uploads it is its values alone, however it was spelled: so it can be computed again.
    """
    assert given.values is not None  # noqa: S101  # asked by the callers
    if given.inputs:
        return Call(function, given.values, target, given.place)
    return Call(function, given.values, target if given.is_named else None)


def asked_by(caller: Caller, services: Services, call: Call) -> Call:
    """Returns the call as this caller makes it: what it leaves is theirs, and what it may read."""
    if caller.sees_all:
        return replace(call, owner=caller.name)
    return replace(call, owner=caller.name, may_name=services.seen_by(caller).sees)


def _sees_all_named(request: OcpuRequest, services: Services, target: FunctionCall) -> bool:
    """Whether the caller sees every session that is named: else its answers are none of theirs."""
    if request.caller.sees_all:
        return True
    return all(map(services.seen_by(request.caller).sees, session_keys(target.to_wire())))


def _below_session(output: str | None, query_text: str) -> str:
    """Returns where the session of a call has what the call's URL asks for."""
    if output is None or output == "file":
        return ""
    if output == "console":
        return f"console/text{query_text}"
    place = "graphics/last" if output in DRAWINGS else "R/.val"
    return f"{place}/{output}{query_text}"


def _run(request: OcpuRequest, services: Services, call: Call, output: str | None) -> Reply:
    if not request.caller.starts_r:
        services.directives(request.caller, request.headers).check_computing()
    call = asked_by(request.caller, services, call)
    outputs = [Output(output, output, dict(options_of(request)))] if output else []

    def make(session_key: str | None) -> Evaluated:
        return services.pantry.materialiser.evaluate(
            call,
            limits=services.call_limits,
            priority=Priority.LIVE,
            outputs=outputs,
            session_key=session_key,
        )

    try:
        done = asked(request.promise, call.function, make, is_shared=False)
    except CallFailed as error:
        return failure_reply(request, error)
    return call_reply(request, done.evaluation, done.session_key, output)


@contextmanager
def _upload_folder(services: Services) -> Iterator[Path]:
    """A folder for uploads among the staged sessions: placing them is a rename.

    What a killed process leaves there is swept with those.
    """
    stage = services.sessions.stage()
    try:
        yield stage.path
    finally:
        services.sessions.discard(stage)
