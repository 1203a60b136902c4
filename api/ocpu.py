"""OpenCPU's API below /ocpu, as one ASGI application: a request in, a reply out."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
from starlette.types import Receive, Scope, Send

from api.body import Body, receive_body
from api.errors import ApiError, ClientGone, NotAllowed, NotFound, status_of
from api.ocpu_files import serve_path
from api.ocpu_library import library
from api.ocpu_manual import documentation
from api.ocpu_objects import (
    CALL_CACHE,
    LIBRARY_CACHE,
    listing,
    only_reads,
    redirect,
    with_slash,
)
from api.ocpu_request import MOUNT, OcpuRequest, read_request
from api.ocpu_session import sessions
from api.reply import Reply, text
from api.services import Services
from cache.errors import CacheError
from engine.errors import CallRefused, EngineError, RError
from jobs.errors import JobError

log = logging.getLogger(__name__)

METHODS = "POST, GET, HEAD, OPTIONS, DELETE"
TEST_PAGES = Path(__file__).parent / "static" / "ocpu-test"
TEST_CACHE = ("Cache-Control", "max-age=31536000, public")
REFUSALS = {"unknown_format": 404, "topic_not_found": 404}

Handler = Callable[[OcpuRequest, list[str], Services], Reply]


class OcpuApp:
    """Serves /ocpu. Handlers are plain blocking functions; each runs in a thread."""

    def __init__(self, services: Services, threads: int = 64) -> None:
        self._services = services
        self._threads = threads
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = dict(scope["headers"])
        content_type = headers.get(b"content-type", b"").decode("latin-1") or None
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._threads)
        body = Body()
        try:
            body = await receive_body(receive, content_type, self._services.state_folder)
            request = read_request(scope, body)
            reply = await anyio.to_thread.run_sync(self.answer, request, limiter=self._limiter)
        except ClientGone:
            return
        except ApiError as error:
            reply = text(status_of(error), f"{error}\n")
        finally:
            body.close()
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

    def finish(self, reply: Reply, scope: Scope) -> Reply:
        """Returns the reply with the headers that every answer of OpenCPU has."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"*")
        return reply.with_headers(*self._common(origin.decode("latin-1")))

    def answer(self, request: OcpuRequest) -> Reply:
        """Returns the reply to a request; errors of all packages become theirs."""
        if request.method == "OPTIONS":
            return text(200, "OPTIONS OK\n", ("Access-Control-Allow-Methods", METHODS))
        try:
            return self._dispatch(request)
        except NotAllowed as error:
            section = request.parts[:1]
            cached = (CALL_CACHE,) if section in (["library"], ["lib"]) else ()
            return text(405, f"{error}\n", ("Allow", _allowed(request)), *cached)
        except ApiError as error:
            return text(status_of(error), f"{error}\n")
        except CallRefused as error:
            return text(REFUSALS.get(error.kind, status_of(error)), f"{error.text}\n")
        except RError as error:
            return text(status_of(error), f"{error.text}\n")
        except (EngineError, CacheError, JobError) as error:
            log.warning("call failed path=%s error=%s", request.path, error)
            return text(status_of(error), f"{error}\n")

    def _dispatch(self, request: OcpuRequest) -> Reply:
        parts = request.parts
        if not parts:
            only_reads(request)
            return redirect(request, "/test")
        top: dict[str, Handler] = {
            "library": library,
            "lib": library,
            "tmp": sessions,
            "test": _test,
            "info": _info,
            "doc": _doc,
            "apps": _apps,
            "github": _github,
        }
        handler = top.get(parts[0])
        if handler is None:
            raise NotFound(f"Invalid top level api: {request.path}")
        return handler(request, parts[1:], self._services)

    def _common(self, origin: str) -> tuple[tuple[str, str], ...]:
        """Returns the headers that every answer of OpenCPU has."""
        r = self._services.r_facts()
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            (
                "Access-Control-Allow-Headers",
                "Origin, Content-Type, Accept, Accept-Encoding, Cache-Control, Authorization",
            ),
            (
                "Access-Control-Expose-Headers",
                "Location, X-ocpu-session, Content-Type, Cache-Control",
            ),
            ("X-ocpu-version", self._services.ocpu_version),
            ("X-ocpu-r", r["version"]),
            ("X-ocpu-locale", r["locale"]),
            ("X-ocpu-time", now),
            ("X-ocpu-server", "larder"),
        )


def _allowed(request: OcpuRequest) -> str:
    """Returns the methods that work where this request went: calls are for objects alone."""
    parts = request.parts
    called = len(parts) > 3 and parts[0] in ("library", "lib", "tmp") and parts[2] == "R"
    return "GET, HEAD, POST, OPTIONS" if called else "GET, HEAD, OPTIONS"


def _doc(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    return documentation(request, parts, services).with_headers(LIBRARY_CACHE)


def _apps(request: OcpuRequest, parts: list[str], _services: Services) -> Reply:
    """None is installed: installing from GitHub is not built yet."""
    if len(parts) >= 2:
        raise NotFound(f"Github App {parts[0]}/{parts[1]} not installed on this server")
    only_reads(request)
    return listing([]) if request.has_slash else with_slash(request)


def _github(request: OcpuRequest, _parts: list[str], _services: Services) -> Reply:
    """Redirects to the name of today; this redirect alone keeps the query, as OpenCPU's does."""
    url = request.url(request.path.replace("/github", "/apps", 1)) + request.query_text
    text = f"The {MOUNT}/github/ API has been renamed to {MOUNT}/apps/\n"
    return Reply(302, text.encode(), None, (("Location", url),))


def _test(request: OcpuRequest, parts: list[str], _services: Services) -> Reply:
    only_reads(request)
    if not parts and not request.has_slash:
        return with_slash(request)
    return serve_path(request, TEST_PAGES, parts).with_headers(TEST_CACHE)


def _info(request: OcpuRequest, _parts: list[str], services: Services) -> Reply:
    only_reads(request)
    information = services.pool.read("server_information")["text"]
    heading = "# Larder: speaks the API of OpenCPU"
    return text(200, f"{heading} {services.ocpu_version}\n\n## System\n{information}")
