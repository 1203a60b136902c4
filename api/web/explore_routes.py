"""The addresses of the explorer and of sessions."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.api_error import NotFound
from api.body import Body
from api.deps import CallerDep, RightsDep, ServicesDep
from api.errors import KeysNotListed
from api.form import FORM, form_pairs
from api.ocpu_call import call_function
from api.ocpu_replies import SESSION_HEADER
from api.ocpu_request import read_request
from api.package_address import PackageAddress
from api.rights import Rights
from api.session_view import session_views
from api.web.explore import form_of, function_page, package_page
from api.web.page import page
from api.web.session import session_page
from cache.errors import SessionNotFound

router = APIRouter(include_in_schema=False)

SESSIONS_AT_ONCE = 50


@router.get("/explore")
def show_packages(
    request: Request, services: ServicesDep, rights: RightsDep, search: str = ""
) -> Response:
    """The packages of this server."""
    names = services.pool.names("list_packages")
    found = sorted((name for name in names if _is_shown(name, search, rights)), key=str.lower)
    return page(request, "packages.html", {"packages": found, "search": search})


@router.get("/explore/{package}")
def show_package(
    package: str, request: Request, services: ServicesDep, rights: RightsDep, search: str = ""
) -> Response:
    """One package."""
    rights.check_look(PackageAddress(package, f"/library/{package}"))
    seen = package_page(services.pool, package, search)
    return page(request, "package.html", {"seen": seen, "search": search})


@router.get("/explore/{package}/{function}")
def show_function(package: str, function: str, request: Request, services: ServicesDep) -> Response:
    """One function: its help and a form to call it."""
    given = dict(form_pairs(request.url.query.encode()))
    base_url = str(request.base_url).rstrip("/")
    seen = function_page(services.pool, package, function, given, base_url)
    return page(request, "function.html", {"seen": seen, "error": "", "session": ""})


@router.post("/explore/{package}/{function}")
async def call(package: str, function: str, request: Request, services: ServicesDep) -> Response:
    """Calls a function with what a form says; goes to its session, or says what R said."""
    pairs = form_pairs(await request.body())
    form = form_of(pairs)
    body = Body(FORM, form, None, len(form))
    asked = replace(
        read_request(request.scope, body), path=f"/library/{package}/R/{function}", query={}
    )
    address = PackageAddress(package, f"/library/{package}")
    reply = await run_in_threadpool(
        call_function, asked, services, [], package=address, name=function
    )
    session = next((value for name, value in reply.headers if name == SESSION_HEADER), "")
    if reply.status < 400:
        return RedirectResponse(f"/sessions/{session}", 303)
    base_url = str(request.base_url).rstrip("/")
    seen = await run_in_threadpool(
        function_page, services.pool, package, function, dict(pairs), base_url
    )
    said = {"error": reply.body.decode("utf-8", "replace"), "session": session}
    return page(request, "function.html", {"seen": seen, **said}, status=reply.status)


@router.get("/sessions")
def show_sessions(request: Request, services: ServicesDep, caller: CallerDep) -> Response:
    """The newest sessions: one's own, to operators all."""
    if not caller.name and not services.lists_sessions:
        raise KeysNotListed
    seen = None if caller.sees_all else services.seen_by(caller).owns
    views = session_views(
        services.sessions, services.pool, seen, live_only=False, limit=SESSIONS_AT_ONCE
    )
    return page(request, "sessions.html", {"sessions": views})


@router.get("/sessions/{key}")
def show_session(
    key: str, request: Request, services: ServicesDep, caller: CallerDep, show: str = ""
) -> Response:
    """One session."""
    try:
        session = services.seen_by(caller).open(key)
    except SessionNotFound:
        raise NotFound(f"there is no session {key}, or not any more") from None
    seen = session_page(services, session, show)
    return page(request, "session.html", {"seen": seen})


def _is_shown(package: str, search: str, rights: Rights) -> bool:
    return search.lower() in package.lower() and rights.may_look(package)
