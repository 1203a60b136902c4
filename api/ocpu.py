"""OpenCPU's API below /ocpu, as one ASGI application: a request in, a reply out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from api.api_error import ApiError, NotFound
from api.body import Body, receive_body
from api.caller import caller_of
from api.errors import ClientGone, Disabled, NotAllowed, status_of
from api.linger import send_and_close
from api.ocpu_apps import apps, github
from api.ocpu_config import max_age
from api.ocpu_files import serve_path
from api.ocpu_gist import gists
from api.ocpu_headers import common_headers, cors_headers, lifetime
from api.ocpu_library import library
from api.ocpu_manual import documentation
from api.ocpu_methods import allowed
from api.ocpu_objects import only_reads, redirect, with_slash
from api.ocpu_repositories import bioc, cran
from api.ocpu_request import OcpuRequest, read_request
from api.ocpu_session import sessions
from api.ocpu_user import users
from api.ocpu_webhook import webhook
from api.preference import read_preference
from api.promise import Promise
from api.reply import Reply, text
from api.retry_after import LATER, pause, retry_headers
from api.services import Services
from api.small_bodies import check_encoding, content_length
from api.upload_folder import clear_abandoned
from cache.errors import CacheError
from engine.asker_errors import AskerRefused
from engine.errors import CallRefused, EngineBusy, EngineError, RError
from engine.host import Host
from jobs.errors import JobError

log = logging.getLogger(__name__)

METHODS = "POST, GET, HEAD, OPTIONS, DELETE"
TEST_PAGES = Path(__file__).parent / "static" / "ocpu-test"
REFUSALS = {"unknown_format": 404, "topic_not_found": 404, "code_refused": 403}

FOLDER_OF_A_CALL = rb"(/\.larder/(work/\d+|sessions(/\.staging)?/x0[0-9a-f]+))?"

Handler = Callable[[OcpuRequest, list[str], Services], Reply]


class OcpuApp:
    """Serves /ocpu. Handlers are plain blocking functions; each runs in a thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        clear_abandoned(services.state_folder)
        # R names files in its errors; where they are on this machine is nobody's business.
        folder = re.escape(str(services.state_folder.parent).encode())
        self._private = re.compile(folder + FOLDER_OF_A_CALL + rb"/?")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        try:
            body = await self._body(scope, receive)
        except ClientGone:
            return
        except (ApiError, CacheError) as error:  # the rest of the body is unread
            await send_and_close(receive, send, self.finish(refusal(error), scope))
            return
        reply = await self._reply(scope, body, receive)
        if reply.status >= 400:
            reply = replace(reply, body=self._private.sub(b"", reply.body))
        if reply.status in LATER:
            await pause()
        reply = self.finish(reply, scope)
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": reply.wire_headers(),
            }
        )
        content = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": content})

    async def _reply(self, scope: Scope, body: Body, receive: Receive) -> Reply:
        """Has the request answered, now or later; closes its body behind that."""
        desk = self._services.desk
        try:
            request = read_request(scope, body)
        except ApiError as error:
            await body.aclose()
            return text(status_of(error), f"{error}\n")
        wanted = read_preference(scope["headers"]) if request.method == "POST" else None
        if wanted is None:
            try:
                return await desk.answer(partial(self.answer, request), receive, body.aclose)
            except (EngineBusy, AskerRefused) as error:
                return refusal(error)

        def work(promise: Promise) -> Reply:
            return self.answer(replace(request, promise=promise))

        try:
            who = request.caller.name
            return await desk.answer_later(work, wanted, finish=body.aclose, caller=who)
        except (EngineBusy, AskerRefused) as error:
            return refusal(error)

    async def _body(self, scope: Scope, receive: Receive) -> Body:
        headers = dict(scope["headers"])
        check_encoding(scope)
        limit_bytes = self._services.ocpu.upload_limit_bytes
        if not caller_of(scope).sends_code:
            limit_bytes = min(limit_bytes, self._services.access.body_limit_bytes)
        return await receive_body(
            receive,
            headers.get(b"content-type", b"").decode("latin-1") or None,
            self._services.state_folder,
            content_length=content_length(scope),
            limit_bytes=limit_bytes,
        )

    def finish(self, reply: Reply, scope: Scope) -> Reply:
        """Returns the reply with the headers that every answer of OpenCPU has."""
        headers = common_headers(self._services)
        if self._services.ocpu.cors and caller_of(scope).is_anyone:  # else the gate has them
            origin = next((value for name, value in scope["headers"] if name == b"origin"), b"*")
            headers = (*cors_headers(origin.decode("latin-1")), *headers)
        return reply.with_headers(*headers)

    def answer(self, request: OcpuRequest) -> Reply:
        """Returns the reply to a request; errors of all packages become theirs."""
        if request.method == "OPTIONS":
            methods = (
                (("Access-Control-Allow-Methods", METHODS),) if self._services.ocpu.cors else ()
            )
            return text(200, "OPTIONS OK\n", *methods)
        try:
            reply = self._dispatch(request)
            return reply.with_headers(*lifetime(request, reply, self._services.ocpu))
        except NotAllowed as error:
            kept = request.section in ("library", "lib")  # as recorded
            headers = (max_age(self._services.ocpu.call_cache_s),) if kept else ()
            return text(405, f"{error}\n", ("Allow", allowed(request.parts)), *headers)
        except ApiError as error:
            return text(status_of(error), f"{error}\n")
        except (EngineBusy, AskerRefused) as error:
            return refusal(error)
        except CallRefused as error:
            return text(REFUSALS.get(error.kind, status_of(error)), f"{error.text}\n")
        except RError as error:
            return text(status_of(error), f"{error.text}\n")
        except (EngineError, CacheError, JobError) as error:
            log.warning("call failed path=%s error=%s", request.path, error)
            return refusal(error)

    def _dispatch(self, request: OcpuRequest) -> Reply:
        parts = request.parts
        if not parts:
            only_reads(request)
            return redirect(request, "/test")
        section = SECTIONS.get(parts[0])
        if section is None:
            raise NotFound(f"Invalid top level api: /{parts[0]}")
        if not self._services.ocpu.serves(parts[0]):
            raise Disabled(parts[0])
        return section(request, parts[1:], self._services)


def refusal(error: Exception) -> Reply:
    """Returns what tells, as text, why a request was turned away, and until when."""
    return text(status_of(error), f"{error}\n", *retry_headers(error))


def _test(request: OcpuRequest, parts: list[str], _services: Services) -> Reply:
    only_reads(request)
    if not parts and not request.has_slash:
        return with_slash(request)
    return serve_path(request, TEST_PAGES, parts)


def _info(request: OcpuRequest, _parts: list[str], services: Services) -> Reply:
    only_reads(request)
    information = services.pool.read("server_information")["text"]
    heading = "# Larder: speaks the API of OpenCPU"
    walls = _walls(services.pool.info()["walls"])
    said = f"{heading} {services.ocpu_version}\n\n## System\n{information}\n## Walls\n{walls}"
    return text(200, said)


def _walls(facts: dict[str, Any]) -> str:
    """What confines R here, and what does not."""
    host = Host.from_wire(facts)
    return "".join(f"{wall.name}: {wall.made_of or wall.lack}\n" for wall in host.walls)


SECTIONS: dict[str, Handler] = {
    "library": library,
    "lib": library,
    "tmp": sessions,
    "test": _test,
    "info": _info,
    "doc": documentation,
    "user": users,
    "apps": apps,
    "github": github,
    "cran": cran,
    "bioc": bioc,
    "gist": gists,
    "webhook": webhook,
}
