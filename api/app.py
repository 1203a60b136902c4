"""The application: audit, gate and hit path outermost, then OpenCPU's API and Larder's own."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from api.api_error import NotFound
from api.audit_layer import AuditLayer, begins
from api.auditing import Auditing
from api.errors import OURS, BadRequest, NotAllowed
from api.gate import Gate
from api.hit import HitLayer
from api.key_ring import KeyRing
from api.metrics import router as metrics
from api.ocpu import OcpuApp
from api.problem import problem_page, problem_reply
from api.reply import Reply
from api.services import Services
from api.v1 import response_of, router
from engine.errors import EngineError
from jobs.definition import schema
from jobs.repository import Catalog

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static" / "docs"


def create_app(services: Services, catalog: Catalog, *, version: str = "0.1.0") -> AuditLayer:
    """Returns the ASGI application of one API worker."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await services.desk.close()

    api = FastAPI(
        title="Larder",
        version=version,
        description="Answers of R models, computed ahead of time.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    api.state.services = services
    api.state.catalog = catalog
    api.include_router(router)
    api.include_router(metrics)
    for kind in OURS:
        api.add_exception_handler(kind, _problem)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http_problem)
    _add_health(api, services)
    ocpu = OcpuApp(services)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == "/ocpu" or path.startswith("/ocpu/"):
            await ocpu(scope, receive, send)
        elif scope.get("method") == "HEAD":
            await api({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await api(scope, receive, send)

    def finish(reply: Reply, scope: Scope) -> Reply:
        return ocpu.finish(reply, scope)

    pantry = services.pantry
    keys = KeyRing(catalog, pantry.generations, pantry.clock)
    hits = HitLayer(begins(application), services, finish)
    auditing = Auditing(services.audit_spool, services.audit)
    return AuditLayer(Gate(hits, keys, services.access), auditing)


def _add_health(api: FastAPI, services: Services) -> None:
    @api.get("/healthz", tags=["server"])
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok"}

    @api.get("/readyz", tags=["server"])
    def readyz() -> JSONResponse:
        """The project's models are loaded and calls can be answered."""
        try:
            info = services.pool.info()
        except EngineError as error:
            return JSONResponse({"status": "starting", "reason": str(error)}, 503)
        if info["version"] == "":
            return JSONResponse({"status": "models not loaded", "reason": info["problem"]}, 503)
        facts = ("project", "problem", "running", "waiting", "calls")
        return JSONResponse({"status": "ready", **{name: info[name] for name in facts}})

    @api.get("/schema/jobs.json", tags=["server"])
    def job_schema() -> dict[str, object]:
        """The JSON Schema of job files, for editors."""
        return schema()

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Larder: the API",
            swagger_js_url="/static/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui.css",
            swagger_favicon_url="data:,",
        )

    @api.get("/docs/problems", include_in_schema=False)
    async def problems() -> HTMLResponse:
        return HTMLResponse(problem_page())

    api.mount("/static", StaticFiles(directory=STATIC), name="static")

    @api.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return Response(status_code=204)

    @api.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/v1/jobs")


def _without_body(send: Send) -> Send:
    """HEAD wherever GET works: the same headers, and nothing behind them."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sent


async def _problem(_request: Request, error: Exception) -> Response:
    return response_of(problem_reply(error))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as it was registered
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        reply = problem_reply(NotAllowed(request.method, request.url.path))
        return response_of(reply.with_headers(*(error.headers or {}).items()))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return response_of(problem_reply(BadRequest(str(error.detail))))
    return response_of(problem_reply(NotFound(f"there is nothing at {request.url.path}")))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as it was registered
    faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
    return response_of(problem_reply(BadRequest("; ".join(faults))))
