"""A call through its OpenCPU URL, as the hit path remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.types import Scope

from api.arguments import read_arguments
from api.body import Body
from api.caching import Directives
from api.obtain import Ready, ready
from api.ocpu_call import SHORTCUTS, kept_call
from api.ocpu_kept import has_session, kept_reply, label_of
from api.ocpu_objects import options_of
from api.ocpu_request import OcpuRequest, read_request
from api.services import Services
from cache.entry import Entry
from engine.call import FunctionCall
from engine.reach import session_keys
from jobs.call import Call
from jobs.job import Job


@dataclass(frozen=True)
class CallRequest:
    """What a POST below /ocpu/library asks, its arguments read; `jobs` are those to look under."""

    request: OcpuRequest
    call: Call
    output: str | None
    jobs: tuple[Job, ...]

    def ready(self, services: Services, scope: Scope, directives: Directives) -> Ready | None:
        """Returns the reply if it is prepared."""
        found = services.pantry.resolve(self.call, among=self.jobs)
        if found is None or not ready(services.pantry, found, directives, self._usable):
            return None
        request = read_request(scope, self.request.body)  # this client's name for the server
        reply = kept_reply(request, found, self.output, directives)
        return None if reply is None else Ready.of(found, reply)

    def _usable(self, entry: Entry) -> bool:
        if self.output is None or not has_session(entry):
            return has_session(entry)
        return label_of(self.output, dict(options_of(self.request))) in entry.bodies


def read_call(scope: Scope, body: Body, services: Services) -> CallRequest | None:
    """Returns the call of a function that a job declares; None for any other request.

    None, too, where the caller may not make it, or names a session: that they see it is not to be
    had without looking.

    Raises:
        BadRequest, Forbidden: the body cannot be read, or holds what it may not.
    """
    request = read_request(scope, body)
    parts = request.parts[1:]
    if not services.ocpu.serves("library"):
        return None
    if len(parts) in (3, 4) and parts[1] == "R":
        package, name, rest = parts[0], parts[2], parts[3:]
    elif len(parts) in (1, 2) and "::" in parts[0]:
        package, _, name = parts[0].partition("::")
        rest = parts[1:]
    else:
        return None
    function = f"{package}::{name}"
    rights = services.rights(request.caller)
    jobs = rights.jobs_of(function)
    if not jobs or not rights.may_call(function):
        return None
    given = read_arguments(body, Path(), rights.arguments)
    if given.values is None or given.inputs:
        return None
    output = rest[0] if rest and rest[0] in SHORTCUTS else None
    target = FunctionCall(package, name, given.arguments, given.body)
    if not request.caller.sees_all and session_keys(target.to_wire()):
        return None
    return CallRequest(request, kept_call(function, given, target), output, jobs)
