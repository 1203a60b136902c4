"""/v1: Larder's own API, described by OpenAPI."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.as_of import moment_headers, take_moment
from api.call_document import Accepted
from api.definitions_view import DefinitionsView, definitions_view
from api.deps import CatalogDep, RightsDep, ServicesDep
from api.difference_view import DifferenceView, difference_view
from api.earlier import earlier_reply
from api.explain_view import explain_view
from api.form import form_pairs
from api.job_view import job_view, job_views
from api.preference import read_preference
from api.promise import Promise
from api.reply import Reply
from api.results import Results, read_query
from api.retry_after import pause
from api.table import MEDIA_TYPES, read_format, read_selection, stream_table
from api.v1_audit import router as audit
from api.v1_calls import router as calls
from api.v1_keys import router as keys
from api.v1_runs import router as runs
from api.v1_sessions import router as sessions
from engine.asker_errors import AskerRefused
from engine.errors import EngineBusy
from jobs.difference import find_difference, find_sides
from jobs.explain import explain

router = APIRouter(prefix="/v1")
router.include_router(calls)
router.include_router(runs)
router.include_router(keys)
router.include_router(sessions)
router.include_router(audit)

LATER: dict[int | str, dict[str, Any]] = {202: {"model": Accepted}}


def response_of(reply: Reply) -> Response:
    """Returns a reply as Starlette's response."""
    response = Response(reply.body, reply.status)
    response.raw_headers = reply.wire_headers()
    return response


@router.get("/jobs", tags=["jobs"])
def list_jobs(services: ServicesDep, catalog: CatalogDep, rights: RightsDep) -> dict[str, Any]:
    """The jobs whose answers may be read: arguments, how fresh they are, last and next run."""
    return {"jobs": job_views(services.pantry, catalog, rights.readable)}


@router.get("/jobs/{job}", tags=["jobs"])
def show_job(
    job: str, services: ServicesDep, catalog: CatalogDep, rights: RightsDep
) -> dict[str, Any]:
    """One job."""
    definition = rights.job(job)
    last = catalog.last_runs().get(job)
    return job_view(services.pantry, definition, last, list(catalog.schedules(job)))


@router.get("/jobs/{job}/explain", tags=["jobs"])
def show_explanation(
    job: str, request: Request, services: ServicesDep, catalog: CatalogDep, rights: RightsDep
) -> dict[str, Any]:
    """Why an answer is there or not, and what made it. The query has the job's arguments.

    R computes nothing. Arguments that the job does not allow are explained too.
    """
    name, pairs = rights.job(job).name, form_pairs(request.url.query.encode())
    with_r = rights.caller.starts_r
    return explain_view(explain(services.pantry, catalog, name, pairs, with_r=with_r))


@router.get("/jobs/{job}/diff", tags=["jobs"])
def show_difference(
    job: str,
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    before: Annotated[
        str | None, Query(alias="from", description="a run's number, a date or a moment")
    ] = None,
    after: Annotated[str | None, Query(alias="to", description="likewise; without it now")] = None,
    limit: Annotated[int, Query(ge=0, le=10_000, description="at most so many changes")] = 100,
) -> DifferenceView:
    """What changed between two moments, the largest changes first; by default by the last run.

    A run stands for the moment of its end, a date for the end of that day where the job is.
    """
    definition = rights.job(job)
    sides = find_sides(catalog, definition, before, after, services.pantry.clock())
    found = find_difference(services.pantry, catalog, definition, sides, limit=limit)
    return difference_view(found)


@router.get("/definitions", tags=["jobs"])
def show_definitions(services: ServicesDep) -> DefinitionsView:
    """Whether the job files as they are now are live; if not, every mistake in them.

    A changed file is read within a second or two. While any file holds a mistake, all that was
    live before stays.
    """
    return definitions_view(services.state_folder, len(services.pantry.jobs))


@router.get("/results/{job}/table", tags=["results"])
@router.get("/results/{job}/table.{ending}", tags=["results"])
def show_table(
    job: str, request: Request, services: ServicesDep, rights: RightsDep, ending: str = ""
) -> Response:
    """All answers of a job, one under the other, as JSON, JSON lines or CSV.

    Query: `format`, `columns=a,b`, `order_by`, `descending`, `limit`, `offset`, and `as_of` for the
    answers of a moment of the past; any other name is a column that has to equal the value.
    """
    definition = rights.job(job)
    pairs = form_pairs(request.url.query.encode())
    format_name = read_format(ending, pairs, request.headers.get("accept", ""))
    moment, pairs = take_moment(services.pantry, definition, pairs)
    selection = read_selection(pairs, moment)
    stream = stream_table(services.pantry, definition, selection, format_name)
    headers = {"Cache-Control": "no-cache"}
    if moment is not None:
        headers = dict(moment_headers(moment, services.pantry.clock()))
    return StreamingResponse(stream, media_type=MEDIA_TYPES[format_name], headers=headers)


@router.get("/results/{job}", tags=["results"], responses=LATER)
async def show_result(
    job: str, request: Request, services: ServicesDep, catalog: CatalogDep, rights: RightsDep
) -> Response:
    """One answer, from the cache if it is there. The query has the job's arguments.

    The format is the ending of the path (`.csv`), else `format=`, else what Accept prefers. With
    `Prefer: respond-async` an answer that has to be computed comes later: 202 says where. With
    `as_of=2026-10-01` it is the answer that was current then, at the end of that day where the job
    is; a moment (`2026-10-01T12:00Z`) says it exactly. A key with the role viewer is answered with
    what is prepared, and nothing is computed for it.
    """
    rights.job(job.partition(".")[0])
    headers = dict(request.headers.items())
    pairs = form_pairs(request.url.query.encode())
    results = Results(services.pantry, services.pool)

    def work(promise: Promise | None = None) -> Reply:
        query = read_query(services.pantry, job, pairs, headers)
        directives = services.directives(rights.caller, headers)
        if query.as_of is not None:
            return earlier_reply(services.pantry, catalog, query, query.as_of, directives)
        return results.answer(query, directives, promise)

    wanted = read_preference(request.headers.raw)
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    try:
        if wanted is None:
            return response_of(await services.desk.answer(work, request.receive))
        who = rights.caller.name
        return response_of(await services.desk.answer_later(work, wanted, address, caller=who))
    except (EngineBusy, AskerRefused):
        await pause()
        raise
