"""/v1/audit: who called what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.audit_document import AuditList, audit_document
from api.call_document import ProblemDocument
from api.deps import CatalogDep, ServicesDep
from api.event_stream import FRESH
from jobs.audit_gatherer import AuditGatherer
from jobs.audit_record import AuditOutcome
from jobs.audit_rows import AuditFilter
from jobs.moment import parse_begin, parse_moment
from jobs.repository import Catalog

router = APIRouter(tags=["audit"])

NDJSON = "application/x-ndjson"
REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": ProblemDocument}}
AS_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {NDJSON: {}}}}


@router.get("/audit", response_model=AuditList, responses={**REFUSED, **AS_LINES})
def list_audit(
    request: Request,
    services: ServicesDep,
    catalog: CatalogDep,
    response: Response,
    *,
    since: Annotated[str | None, Query(description="a date or a moment")] = None,
    until: Annotated[str | None, Query(description="a date or a moment")] = None,
    who: Annotated[str | None, Query(description="the caller's name")] = None,
    job: Annotated[str | None, Query(description="only about this job")] = None,
    function: Annotated[str | None, Query(description="package::function")] = None,
    operation: Annotated[str | None, Query(description="read, call, run, ...")] = None,
    outcome: Annotated[AuditOutcome | None, Query(description="only those that ended so")] = None,
    request_id: Annotated[str | None, Query(description="of one request")] = None,
    before: Annotated[int | None, Query(description="only rows with a smaller number")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 50,
) -> AuditList | Response:
    """Calls, runs and commands on record, newest first.

    With `Accept: application/x-ndjson` all that match, oldest first, one JSON object a line:
    `before` and `limit` mean nothing then.
    """
    AuditGatherer(services.state_folder, catalog).gather()  # what was asked just before, too
    now = services.pantry.clock()
    wanted = AuditFilter(
        since=None if since is None else parse_begin(since, "UTC", now),
        until=None if until is None else parse_moment(until, "UTC", now),
        caller=who,
        job=job,
        function=function,
        operation=operation,
        outcome=outcome,
        request_id=request_id,
    )
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(_lines(catalog, wanted), media_type=NDJSON, headers=FRESH)
    found = catalog.audit_rows(wanted, before=before, limit=limit + 1)
    following = None
    if len(found) > limit:
        asked = [pair for pair in request.query_params.multi_items() if pair[0] != "before"]
        following = f"/v1/audit?{urlencode([*asked, ('before', found[limit - 1].id)])}"
    response.headers.update(FRESH)
    return AuditList(rows=[audit_document(row) for row in found[:limit]], next=following)


def _lines(catalog: Catalog, wanted: AuditFilter) -> Iterator[bytes]:
    for row in catalog.audit_since(0, wanted):
        yield audit_document(row).model_dump_json().encode() + b"\n"
