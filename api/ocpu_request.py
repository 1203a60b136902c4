"""A request below /ocpu: its path cut as OpenCPU cuts it, its query, and the URLs it speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import Scope

from api.body import Body
from api.caller import ANYONE, Caller, caller_of
from api.errors import BadRequest
from api.form import form_pairs
from api.hosts import HOST
from api.promise import Promise
from api.request_path import MOUNT, request_path


@dataclass(frozen=True)
class OcpuRequest:
    """Plain values of one request.

    `path` is what follows the mount, unescaped once, double slashes made single (in one pass, as
    OpenCPU does); `parts` are its segments; `query` the options of a format, by name, and
    `query_text` the query as it came, with its question mark. `caller` is who asks. `promise` is
    there if the client does not wait for a call.
    """

    method: str
    path: str
    base_url: str
    query: dict[str, str] = field(default_factory=dict)
    query_text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=Body)
    caller: Caller = ANYONE
    promise: Promise | None = field(default=None, compare=False)

    @property
    def parts(self) -> list[str]:
        """The segments of the path, without empty ends."""
        return [part for part in self.path.split("/") if part]

    @property
    def section(self) -> str:
        """The first segment, which says what it is about; empty at the mount itself."""
        return next((part for part in self.path.split("/") if part), "")

    @property
    def has_slash(self) -> bool:
        """Whether the path ends with a slash."""
        return self.path.endswith("/")

    @property
    def reads(self) -> bool:
        """Whether this is GET or HEAD."""
        return self.method in ("GET", "HEAD")

    def url(self, path: str) -> str:
        """Returns the absolute URL of a path below the mount."""
        return self.base_url + path


def read_request(scope: Scope, body: Body) -> OcpuRequest:
    """Returns the request that an ASGI scope and its body make.

    Raises:
        BadRequest: the path has a zero byte, which no name in R or on disk has.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    path = request_path(scope).replace("//", "/").removeprefix(MOUNT) or "/"
    if "\0" in path:
        raise BadRequest("A path cannot hold a zero byte.")
    server = scope.get("server") or ("127.0.0.1", 80)
    host = headers.get("host", "")
    if not HOST.fullmatch(host):
        host = f"{server[0]}:{server[1]}"
    return OcpuRequest(
        method=scope["method"],
        path=path,
        base_url=f"{scope.get('scheme', 'http')}://{host}{MOUNT}",
        query=dict(form_pairs(scope["query_string"])),
        query_text=f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "",
        headers=headers,
        body=body,
        caller=caller_of(scope),
    )
