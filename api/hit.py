"""The hit path: prepared answers straight from the cache, before FastAPI and without threads.

One bare ASGI callable outermost. The reply to a whole request is remembered for the rest of the
second (api/memo.py); what a request asks, by its path, query and body, for as long as definitions
stay, and then the cache is asked whether the answer is still good. Whatever cannot be answered at
once goes on to the application.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.api_error import ApiError
from api.arguments import FORM
from api.body import Body
from api.caller import Caller, caller_of
from api.form import form_pairs
from api.hit_call import CallRequest, read_call
from api.memo import Key, ReplyMemo
from api.reply import Reply
from api.results import ResultQuery, Results, read_query
from api.services import Services
from api.small_bodies import replay
from cache.errors import CacheError
from jobs.errors import JobError

RESULTS = "/v1/results/"
LIBRARY = "/ocpu/library/"
SMALL_BYTES = 64 * 1024
REMEMBERED = 20_000


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
        self._memo = ReplyMemo(services.pantry.generations)
        self._jobs: object = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        body: Body | None = None
        if path.startswith(LIBRARY) and method == "POST":
            body, receive = await _small_body(scope, receive)
        if body is None and not (path.startswith(RESULTS) and method in ("GET", "HEAD")):
            await self._app(scope, receive, send)
            return
        self._notice_definitions()
        caller = caller_of(scope)
        key = self._memo.key(scope, b"" if body is None else body.small, caller)
        kept = self._memo.get(key)
        if kept is not None:
            await _send(send, method, kept.status, list(kept.headers), kept.body)
            return
        if body is None:
            reply = self._result(scope, caller, key)
        else:
            reply = self._call(scope, body, caller, key)
        if reply is None:
            await self._app(scope, receive, send)
        else:
            await _send(send, method, reply.status, reply.wire_headers(), reply.body)

    def _result(self, scope: Scope, caller: Caller, request_key: Key) -> Reply | None:
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
            if not caller.may_read(query.job.name):
                return None
            mark = self._memo.mark(query.job.qualified)
            found = self._results.ready(query, self._services.directives(caller, headers))
        except (ApiError, JobError, CacheError):
            return None  # the application says what is wrong
        if found is None:
            return None
        if found.is_fresh:
            self._memo.put(request_key, found.reply, query.job.qualified, mark)
        return found.reply

    def _call(self, scope: Scope, body: Body, caller: Caller, request_key: Key) -> Reply | None:
        headers = _headers(scope)
        key = (scope["raw_path"], scope["query_string"], body.content_type, body.small, caller)
        try:
            call = self._recall(key)
            if not isinstance(call, CallRequest):
                found = read_call(scope, body, self._services)
                if found is None:
                    return None
                call = found
                self._remember(key, call)
            mark = self._memo.mark(call.call.function)
            directives = self._services.directives(caller, headers)
            found_ready = call.ready(self._services, scope, directives)
        except (ApiError, JobError, CacheError):
            return None  # as above
        if found_ready is None:
            return None
        reply = self._finish(found_ready.reply, scope)
        if found_ready.is_fresh:
            self._memo.put(request_key, reply, call.call.function, mark)
        return reply

    def _notice_definitions(self) -> None:
        jobs = self._services.pantry.jobs
        if jobs is not self._jobs:  # they changed: arguments may mean something else
            self._remembered.clear()
            self._memo.clear()
            self._jobs = jobs

    def _recall(self, key: tuple[object, ...]) -> ResultQuery | CallRequest | None:
        known = self._remembered.get(key)
        if known is not None:
            self._remembered.move_to_end(key)
        return known

    def _remember(self, key: tuple[object, ...], request: ResultQuery | CallRequest) -> None:
        self._remembered[key] = request
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


async def _send(
    send: Send, method: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    content = b"" if method == "HEAD" else body
    await send({"type": "http.response.body", "body": content})


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _small_body(scope: Scope, receive: Receive) -> tuple[Body | None, Receive]:
    """Returns the body if it is small and of a kind that has a key, and a `receive` for the rest.

    That gives the same body again; one that is not small is left where it is.
    """
    length, content_type = b"", None
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-encoding":
            return None, receive
    kind = (content_type or "").partition(";")[0].strip().lower()
    if not length.isdigit() or int(length) > SMALL_BYTES:
        return None, receive
    if int(length) and kind not in (FORM, "application/json"):
        return None, receive
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None, replay(message, receive)
        content += message.get("body", b"")
        if not message.get("more_body", False):
            break
    body = Body(content_type, bytes(content), None, len(content))
    again = {"type": "http.request", "body": body.small, "more_body": False}
    return body, replay(again, receive)
