"""Calls from web pages of elsewhere: which may change something, and which may read the answer.

A browser sends such calls whether they are allowed or not, with what the user has shown this server
before (CSRF), and keeps the answer from the page unless these headers let it through (CORS).
As long as nobody is asked for a key, /ocpu answers every page, as OpenCPU does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Scope, Send

from api.refusals import OriginForeign
from api.reply import Headers, Reply
from api.request_path import is_ocpu
from jobs.page_origin import authority_of

ANY: Final = "*"
METHODS: Final = ("GET", "HEAD", "OPTIONS")
"""Of requests that change nothing."""
_ALLOWED: Final = (
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE"),
    (
        "Access-Control-Allow-Headers",
        "Accept, Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID, Prefer",
    ),
    ("Access-Control-Max-Age", "600"),
)
_EXPOSED: Final = (
    "Access-Control-Expose-Headers",
    (
        "Age, Cache-Control, ETag, Larder-As-Of, Larder-Computed-At, Larder-Job, Location,"
        " Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-ocpu-session,"
        " X-Request-ID"
    ),
)


@dataclass(frozen=True)
class Pages:
    """The pages of elsewhere that may call.

    Attributes:
        origins: Of such pages, or `*` for all.
        own: The origin of this server by its public address, if it has one.
        ocpu: Whether any may call /ocpu.
    """

    origins: frozenset[str] = frozenset()
    own: str = ""
    ocpu: bool = True

    def check(self, scope: Scope, origin: str | None, *, asks: bool) -> Headers:
        """Returns the headers of the answer by which a browser lets the page see it.

        `origin` is the page that asks, as `origin_of` has it; `asks` is whether keys are asked for.

        Raises:
            OriginForeign: the page may not ask for this.
        """
        path, method = scope["path"], scope["method"]
        if is_ocpu(path) and self.ocpu and not asks:
            return ()  # /ocpu answers with headers of its own
        may_differ = self.origins and (self.ocpu or not is_ocpu(path))
        vary: Headers = (("Vary", "Origin"),) if may_differ else ()
        if origin is None:
            return vary
        if may_differ and origin in self.origins:
            named = (("Access-Control-Allow-Origin", origin), _EXPOSED, *vary)
            return (("Access-Control-Allow-Credentials", "true"), *named)
        if may_differ and ANY in self.origins and (method in METHODS or not _is_basic(scope)):
            return (("Access-Control-Allow-Origin", ANY), _EXPOSED, *vary)
        if method not in METHODS or is_preflight(scope):
            raise OriginForeign(origin)
        return vary

    def is_own(self, scope: Scope, origin: str) -> bool:
        """Whether a page is of this server itself.

        The end of TLS may be a proxy of which this server knows nothing: an https page of the same
        name is its own, too.
        """
        if self.own and origin == self.own:
            return True
        scheme, authority = authority_of(origin)
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        own_scheme = scope.get("scheme", "http")
        _, own_authority = authority_of(f"{scheme}://{host.decode('latin-1')}")
        return bool(authority) and authority == own_authority and scheme in (own_scheme, "https")


def origin_of(scope: Scope, pages: Pages) -> str | None:
    """Returns the page of elsewhere that asks; None where the page is this server's, or none."""
    given = [value for name, value in scope["headers"] if name == b"origin"]
    if not given:
        return None
    origin = given[0].decode("latin-1") if len(given) == 1 else "null"
    return None if pages.is_own(scope, origin) else origin


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks, before it sends a page's request, if it may."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def preflight_reply(headers: Headers) -> Reply:
    """Returns the answer to the preflight of a page that may call."""
    return Reply(204, headers=(*headers, *_ALLOWED))


def with_headers(send: Send, headers: Headers) -> Send:
    """Returns a `send` that adds headers to an answer."""
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *lines]}
        await send(message)

    return sent


def _is_basic(scope: Scope) -> bool:
    """Whether the browser may have added what the user showed before, without the page's doing."""
    return any(
        name == b"authorization" and value.strip()[:5].lower() == b"basic"
        for name, value in scope["headers"]
    )
