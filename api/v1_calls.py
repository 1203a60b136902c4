"""/v1/calls: what waits and runs, how a call stands, its console as it prints, and its end."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.call_book import CallBook
from api.call_document import CallDocument, CallsUnderWay, ProblemDocument
from api.call_events import CallEvents
from api.deps import CallerDep, ServicesDep
from api.event_stream import EVENTS, FRESH, EventResponse, number_of

router = APIRouter(prefix="/calls", tags=["calls"])

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDocument}}
ENDED: dict[int | str, dict[str, Any]] = {409: {"model": ProblemDocument}}


def book_of(services: ServicesDep) -> CallBook:
    """Returns what this process can say of calls."""
    return services.call_book


BookDep = Annotated[CallBook, Depends(book_of)]


@router.get("")
def list_calls(book: BookDep, caller: CallerDep, response: Response) -> CallsUnderWay:
    """What waits and runs now, in the order in which it came: one's own calls, to operators all."""
    response.headers.update(FRESH)
    return CallsUnderWay(calls=book.under_way(caller))


@router.get("/{key}", responses=NOT_FOUND)
def show_call(key: str, book: BookDep, caller: CallerDep, response: Response) -> CallDocument:
    """One call: where it stands, what it printed so far, and where its answer is."""
    response.headers.update(FRESH)
    return book.seen(key, caller)


@router.delete("/{key}", status_code=204, responses={**NOT_FOUND, **ENDED})
def cancel_call(key: str, book: BookDep, caller: CallerDep) -> Response:
    """Ends a call that waits or runs, and all that it started, at once."""
    book.check_seen(key, caller)
    book.cancel(key)
    return Response(status_code=204, headers=FRESH)


@router.get("/{key}/events", response_class=StreamingResponse, responses={**EVENTS, **NOT_FOUND})
async def follow_call(
    key: str,
    book: BookDep,
    services: ServicesDep,
    caller: CallerDep,
    last_event_id: Annotated[str, Header(description="the id of the last event received")] = "",
) -> StreamingResponse:
    """The call as it goes on, as Server-Sent Events whose data is JSON.

    `status`: the call as `/v1/calls/{key}` has it, at first and when it begins to run. `console`:
    `{"text": …}`, what it printed since. At the end `done` or `failed`, the call as it ended.
    """
    await run_in_threadpool(book.seen, key, caller)
    events = CallEvents(book, key, number_of(last_event_id), services.is_stopping)
    return EventResponse(events.stream(), services.seats)
