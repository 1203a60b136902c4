"""/login and /logout: the pages where people sign in and out, plain forms without scripts."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from api.caller import caller_of
from api.errors import BadRequest
from api.form import FORM, form_pairs
from api.login_desk import LoginDesk
from api.v1 import response_of
from api.web.template import filled

router = APIRouter(include_in_schema=False)

LARGEST_FORM_BYTES: Final = 8 * 1024


def desk_of(request: Request) -> LoginDesk:
    """Returns the login desk of this process."""
    desk: LoginDesk = request.app.state.login_desk
    return desk


Desk = Annotated[LoginDesk, Depends(desk_of)]
Next = Annotated[str | None, Query(alias="next")]


@router.get("/login")
async def show_form(request: Request, desk: Desk, asked: Next = None, over: str = "") -> Response:
    """The page to sign in on."""
    return response_of(desk.form(request.scope, asked, over=bool(over)))


@router.post("/login")
async def sign_in(request: Request, desk: Desk) -> Response:
    """Signs in by a key."""
    return response_of(await desk.by_key(request.scope, await _fields(request)))


@router.get("/login/issuer")
async def to_issuer(request: Request, desk: Desk, asked: Next = None) -> Response:
    """Sends the browser to the issuer."""
    return response_of(await desk.to_issuer(request.scope, asked))


@router.get("/login/callback")
async def from_issuer(request: Request, desk: Desk) -> Response:
    """Signs in whom the issuer sent back."""
    return response_of(await desk.from_issuer(request.scope, request.query_params))


@router.get("/logout")
async def ask_to_sign_out(request: Request) -> Response:
    """The page to sign out on: a link that did it could be on any page."""
    return response_of(filled("logout.html", keep="no-store", name=caller_of(request.scope).name))


@router.post("/logout")
async def sign_out(request: Request, desk: Desk) -> Response:
    """Signs out."""
    return response_of(await desk.sign_out(request.scope))


async def _fields(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise BadRequest(f"a form is needed here: {FORM}")
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_FORM_BYTES:
            raise BadRequest("this form is too long to be one of this page")
    return dict(form_pairs(content))
