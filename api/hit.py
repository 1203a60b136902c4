"""The hit path: prepared answers straight from the cache, before FastAPI and without threads.

One bare ASGI callable outermost. A request is remembered by its method, path, query and body, so
that the same request again skips reading its arguments; whether its answer is still good is asked
of the cache each time. Whatever cannot be answered at once goes on to the application.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.arguments import FORM
from api.body import Body
from api.caching import Directives, read_directives
from api.errors import ApiError
from api.form import form_pairs
from api.hit_call import CallRequest, read_call
from api.reply import Reply
from api.results import ResultQuery, Results, read_query
from api.services import Services
from cache.errors import CacheError
from jobs.errors import JobError

RESULTS = "/v1/results/"
LIBRARY = "/ocpu/library/"
SMALL_BYTES = 64 * 1024
REMEMBERED = 20_000

Answerer = Callable[[Directives], Reply | None]


class HitLayer:
    """Answers what is prepared; passes everything else on to `app`, body included."""

    def __init__(
        self,
        app: ASGIApp,
        services: Services,
        finish: Callable[[Reply, Scope], Reply],
    ) -> None:
        self._app = app
        self._services = services
        self._results = Results(services.pantry, services.pool)
        self._finish = finish
        self._remembered: OrderedDict[tuple[object, ...], ResultQuery | CallRequest] = OrderedDict()
        self._jobs: object = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        if path.startswith(RESULTS) and method in ("GET", "HEAD"):
            reply = self._result(scope)
        elif path.startswith(LIBRARY) and method == "POST":
            body, receive = await _small_body(scope, receive)
            reply = None if body is None else self._call(scope, body)
        else:
            reply = None
        if reply is None:
            await self._app(scope, receive, send)
            return
        start = {"status": reply.status, "headers": reply.wire_headers()}
        await send({"type": "http.response.start", **start})
        content = b"" if method == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": content})

    def _result(self, scope: Scope) -> Reply | None:
        headers = _headers(scope)
        key = (scope["path"], scope["query_string"], headers.get("accept"))
        try:
            query = self._recall(key)
            if not isinstance(query, ResultQuery):
                name = scope["path"].removeprefix(RESULTS)
                if "/" in name:
                    return None
                pairs = form_pairs(scope["query_string"])
                query = read_query(self._services.pantry, name, pairs, headers)
                self._remember(key, query)
            return self._results.ready(query, read_directives(headers))
        except (ApiError, JobError, CacheError):
            return None  # the application says what is wrong

    def _call(self, scope: Scope, body: Body) -> Reply | None:
        headers = _headers(scope)
        key = (scope["raw_path"], scope["query_string"], body.content_type, body.small)
        try:
            call = self._recall(key)
            if not isinstance(call, CallRequest):
                found = read_call(scope, body, self._services)
                if found is None:
                    return None
                call = found
                self._remember(key, call)
            reply = call.ready(self._services, scope, read_directives(headers))
        except (ApiError, JobError, CacheError):
            return None  # as above
        return None if reply is None else self._finish(reply, scope)

    def _recall(self, key: tuple[object, ...]) -> ResultQuery | CallRequest | None:
        jobs = self._services.pantry.jobs
        if jobs is not self._jobs:  # definitions changed: arguments may mean something else
            self._remembered.clear()
            self._jobs = jobs
        known = self._remembered.get(key)
        if known is not None:
            self._remembered.move_to_end(key)
        return known

    def _remember(self, key: tuple[object, ...], request: ResultQuery | CallRequest) -> None:
        self._remembered[key] = request
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _small_body(scope: Scope, receive: Receive) -> tuple[Body | None, Receive]:
    """Returns the body if it is small and of a kind that has a key, and a `receive` for the rest.

    That gives the same body again; one that is not small is left where it is.
    """
    headers = _headers(scope)
    content_type = headers.get("content-type")
    length = headers.get("content-length", "")
    kind = (content_type or "").partition(";")[0].strip().lower()
    if not length.isdecimal() or int(length) > SMALL_BYTES:
        return None, receive
    if int(length) and kind not in (FORM, "application/json"):
        return None, receive
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, _replay(message, receive)
        content += message.get("body", b"")
        if not message.get("more_body", False):
            break
    body = Body(content_type, bytes(content), None, len(content))
    again = {"type": "http.request", "body": body.small, "more_body": False}
    return body, _replay(again, receive)


def _replay(first: Message, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return first

    return replayed
