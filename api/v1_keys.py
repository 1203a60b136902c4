"""/v1/keys: access keys, for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api.call_document import ProblemDocument
from api.deps import CatalogDep, ServicesDep
from api.event_stream import FRESH
from api.key_document import (
    KeyList,
    KeyWish,
    NewKeyDocument,
    RotationWish,
    key_document,
    new_key_document,
)
from jobs.duration import parse_duration
from jobs.key_book import KeyBook
from jobs.key_request import (
    KeyRequest,
    read_expiry,
    read_functions,
    read_jobs,
    read_name,
    read_origins,
    read_role,
)
from jobs.rate import parse_r_seconds, parse_rate

router = APIRouter(prefix="/keys", tags=["keys"])

Problems = dict[int | str, dict[str, Any]]
REFUSED: Problems = {400: {"model": ProblemDocument}}
NOT_FOUND: Problems = {404: {"model": ProblemDocument}}
TAKEN: Problems = {409: {"model": ProblemDocument}}


def book_of(services: ServicesDep, catalog: CatalogDep) -> KeyBook:
    """Returns the book of this server's keys."""
    return KeyBook(catalog, services.pantry.generations, services.pantry.clock)


BookDep = Annotated[KeyBook, Depends(book_of)]


@router.get("")
def list_keys(
    book: BookDep,
    services: ServicesDep,
    response: Response,
    *,
    invalid: Annotated[bool, Query(alias="all", description="those that are refused, too")] = False,
) -> KeyList:
    """The keys that there are, without their texts, the newest last."""
    response.headers.update(FRESH)
    now = services.pantry.clock()
    taken = book.taken_today()
    found = book.keys(invalid=invalid)
    return KeyList(keys=[key_document(key, now, taken.get(key.name, 0.0)) for key in found])


@router.post("", status_code=201, responses={**REFUSED, **TAKEN})
def add_key(
    wish: KeyWish, book: BookDep, services: ServicesDep, response: Response
) -> NewKeyDocument:
    """Makes a key. Its text is in this answer and nowhere else.

    As soon as a first one was made, every request has to show one.
    """
    now = services.pantry.clock()
    request = KeyRequest(
        name=read_name(wish.name),
        role=read_role(wish.role),
        functions=read_functions(wish.functions),
        jobs=read_jobs(wish.jobs, services.pantry.jobs),
        origins=read_origins(wish.origins),
        rate=None if wish.rate is None else str(parse_rate(wish.rate)),
        concurrent=wish.concurrent,
        r_seconds=None if wish.r_seconds is None else parse_r_seconds(wish.r_seconds),
        expires_at=None if wish.expires is None else read_expiry(wish.expires, now, "UTC"),
    )
    response.headers.update(FRESH)
    return new_key_document(book.add(request), now)


@router.delete("/{key}", status_code=204, responses=NOT_FOUND)
def revoke_key(key: str, book: BookDep) -> Response:
    """Has a key refused from the next request on; `key` is its name or its number."""
    book.revoke(key)
    return Response(status_code=204, headers=FRESH)


@router.post("/{key}/rotate", status_code=201, responses={**REFUSED, **NOT_FOUND})
def rotate_key(
    key: str,
    book: BookDep,
    services: ServicesDep,
    response: Response,
    wish: RotationWish | None = None,
) -> NewKeyDocument:
    """Makes the key that takes the place of another, which opens for a while yet."""
    wish = wish or RotationWish()
    now = services.pantry.clock()
    expires_at = None if wish.expires is None else read_expiry(wish.expires, now, "UTC")
    response.headers.update(FRESH)
    made = book.rotate(key, parse_duration(wish.overlap), expires_at=expires_at)
    return new_key_document(made, now)
