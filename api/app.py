"""The application: audit, gate and hit path outermost, then OpenCPU's API and Larder's own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from api.api_error import NotFound
from api.audit_layer import AuditLayer, begins
from api.auditing import Auditing
from api.entrance import Entrance
from api.errors import OURS, BadRequest, NotAllowed, status_of
from api.hit import HitLayer
from api.issuers import sign_in_issuer
from api.login_desk import LoginDesk
from api.login_pages import router as login_pages
from api.metrics import router as metrics
from api.ocpu import OcpuApp
from api.problem import problem_page, problem_reply
from api.reply import Reply
from api.request_path import is_ocpu
from api.services import Services
from api.small_bodies import SmallBodies
from api.v1 import response_of, router
from api.web import page as pages
from api.web.explore_routes import router as explore
from api.web.routes import router as routes
from api.web.template import MOUNT
from api.web.template import STATIC as PAGES
from engine.errors import EngineError
from jobs.definition import schema
from jobs.repository import Catalog

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static" / "docs"


def create_app(services: Services, catalog: Catalog, *, version: str = "0.1.0") -> AuditLayer:
    """Returns the ASGI application of one API worker."""
    entrance = Entrance.of(services, catalog)
    api = own_api(services, catalog, entrance, version=version)
    ocpu = OcpuApp(services)
    small = SmallBodies(api)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await api(scope, receive, send)
        elif is_ocpu(scope["path"]):
            await ocpu(scope, receive, send)
        elif scope["method"] == "HEAD":
            await small({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await small(scope, receive, send)

    def finish(reply: Reply, scope: Scope) -> Reply:
        return ocpu.finish(reply, scope)

    gate = entrance.gate(HitLayer(begins(application), services, finish))
    return AuditLayer(gate, Auditing(services.audit_spool, services.audit))


def own_api(services: Services, catalog: Catalog, entrance: Entrance, *, version: str) -> FastAPI:
    """Returns everything but /ocpu; while it is up, keys and counts are looked after."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        minder = entrance.minder()
        minder.start()
        entrance.taken.start()
        yield
        await services.desk.close()
        minder.close()
        await asyncio.to_thread(entrance.taken.stop)

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
    issuer = sign_in_issuer(services.access, services.pantry.clock)
    api.state.login_desk = LoginDesk(entrance.identity, issuer)
    api.include_router(router)
    api.include_router(metrics)
    api.include_router(routes)
    api.include_router(explore)
    api.include_router(login_pages)
    for kind in OURS:
        api.add_exception_handler(kind, _problem)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http_problem)
    _add_health(api, services)
    return api


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

    api.mount(MOUNT, StaticFiles(directory=PAGES), name="pages")
    api.mount("/static", StaticFiles(directory=STATIC), name="static")

    @api.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return Response(status_code=204)


def _without_body(send: Send) -> Send:
    """HEAD wherever GET works: the same headers, and nothing behind them."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sent


async def _problem(request: Request, error: Exception) -> Response:
    if pages.is_for_people(request):
        return pages.problem(request, status_of(error), str(error))
    return response_of(problem_reply(error))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as it was registered
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        reply = problem_reply(NotAllowed(request.method, request.url.path))
        return response_of(reply.with_headers(*(error.headers or {}).items()))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return response_of(problem_reply(BadRequest(str(error.detail))))
    return await _problem(request, NotFound(f"there is nothing at {request.url.path}"))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as it was registered
    faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
    return response_of(problem_reply(BadRequest("; ".join(faults))))
