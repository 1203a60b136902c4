"""/v1/runs: what is run, was and will be; how far it is, as it goes on; what failed; its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.call_document import ProblemDocument
from api.deps import CatalogDep, RightsDep, ServicesDep
from api.event_stream import EVENTS, FRESH, EventResponse, number_of
from api.run_document import (
    RunCell,
    RunCells,
    RunDocument,
    RunList,
    RunRequest,
    failed_cell,
    run_cell,
    run_document,
)
from api.run_events import RunEvents
from api.services import Services
from jobs.records import Run
from jobs.repository import Catalog
from jobs.run_queue import in_order
from jobs.scope import narrowed
from jobs.status import Cause, Outcome, RunStatus

router = APIRouter(tags=["runs"])

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDocument}}
REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": ProblemDocument}}
ENDED: dict[int | str, dict[str, Any]] = {409: {"model": ProblemDocument}}

Most = Annotated[int, Query(ge=1, le=500, description="at most so many, newest first")]
Statuses = Annotated[list[RunStatus] | None, Query(description="only these; may be repeated")]
Before = Annotated[int | None, Query(description="only runs that came before this one")]


@router.get("/runs")
def list_runs(
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    job: Annotated[str | None, Query(description="only runs of this job")] = None,
    status: Statuses = None,
    before: Before = None,
    limit: Most = 50,
) -> RunList:
    """Runs, newest first: those that wait, go on and have ended."""
    names = None if job is None else [job]
    if rights.caller.jobs:
        names = [one.name for one in rights.readable if job in (None, one.name)]
    found = catalog.runs(job=names, status=status or (), before=before, limit=limit)
    return RunList(runs=list(_shown(found, services, catalog)))


@router.get("/jobs/{job}/runs", responses=NOT_FOUND)
def list_runs_of_job(
    job: str,
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    status: Statuses = None,
    before: Before = None,
    limit: Most = 50,
) -> RunList:
    """Runs of one job, newest first."""
    rights.job(job)
    found = catalog.runs(job=job, status=status or (), before=before, limit=limit)
    return RunList(runs=list(_shown(found, services, catalog)))


@router.post("/jobs/{job}/runs", status_code=202, responses={**NOT_FOUND, **REFUSED})
def ask_for_run(
    job: str,
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    response: Response,
    asked: RunRequest | None = None,
) -> RunDocument:
    """Asks for a run. It waits for a place, and for the run of the job that goes on.

    What waits already and was asked for the same is what this answers with.
    """
    scope = (asked or RunRequest()).scope()
    narrowed(rights.job(job), scope)
    run = catalog.queue_run(job, Cause.MANUAL, scope=scope)
    response.headers.update({"Location": f"/v1/runs/{run.id}", **FRESH})
    return next(iter(_shown([run], services, catalog)))


@router.get("/runs/{run_id}", responses=NOT_FOUND)
def show_run(
    run_id: int, services: ServicesDep, catalog: CatalogDep, rights: RightsDep, response: Response
) -> RunDocument:
    """One run: where it stands, how far it is, and how long the rest takes."""
    response.headers.update(FRESH)
    rights.check_read(catalog.run(run_id).job)
    return _look(run_id, services, catalog)


@router.delete("/runs/{run_id}", status_code=204, responses={**NOT_FOUND, **ENDED})
def cancel_run(run_id: int, catalog: CatalogDep, rights: RightsDep, request: Request) -> Response:
    """Ends a run that waits or goes on, and what R does for it. What it has computed is kept."""
    rights.check_read(catalog.run(run_id).job)
    client = request.client.host if request.client else "somebody"
    catalog.cancel_run(run_id, f"cancelled through the API, from {client}")
    return Response(status_code=204, headers=FRESH)


@router.get("/runs/{run_id}/cells", responses=NOT_FOUND)
def list_cells(
    run_id: int,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    outcome: Annotated[Outcome | None, Query(description="only those that ended so")] = None,
    after: Annotated[str, Query(description="the place behind which the page begins")] = "",
    limit: Annotated[int, Query(ge=1, le=500, description="at most so many")] = 50,
) -> RunCells:
    """What the run did with its cells, or with its batches of rows.

    Those that failed are known for the last twenty runs of a job, each with what R said. Of others
    there is what no later run has looked at.
    """
    run = catalog.run(run_id)
    rights.check_read(run.job)
    found: list[RunCell]
    if outcome is Outcome.FAILED:
        failed = catalog.failed_of_run(run_id, after=after, limit=limit + 1)
        found = [failed_cell(one) for one in failed]
    else:
        wanted = () if outcome is None else (outcome,)
        of_run = catalog.cells(run.job, outcome=wanted, run_id=run_id, after=after, limit=limit + 1)
        found = [run_cell(one) for one in of_run] or [
            run_cell(one)
            for one in catalog.batches(run.job)
            if one.run_id == run_id and one.outcome in (wanted or Outcome)
        ]
        found = [one for one in found if one.place > after][: limit + 1]
    following = None
    if len(found) > limit:
        chosen = "" if outcome is None else f"outcome={outcome}&"
        following = f"/v1/runs/{run_id}/cells?{chosen}after={found[limit - 1].place}&limit={limit}"
    return RunCells(cells=found[:limit], next=following)


@router.get(
    "/runs/{run_id}/events", response_class=StreamingResponse, responses={**EVENTS, **NOT_FOUND}
)
async def follow_run(
    run_id: int,
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    last_event_id: Annotated[str, Header(description="the id of the last event received")] = "",
) -> StreamingResponse:
    """The run as it goes on, as Server-Sent Events; the data of each is the run, as JSON.

    `status`: at first, and when it is begun or taken up again. `progress`: when more is done. At
    the end `done` (it brought answers) or `failed` (it did not, or was cancelled).
    """

    def look() -> RunDocument:
        rights.check_read(catalog.run(run_id).job)
        return _look(run_id, services, catalog)

    await run_in_threadpool(look)
    events = RunEvents(look, number_of(last_event_id), services.is_stopping)
    return EventResponse(events.stream(), services.seats)


def _look(run_id: int, services: Services, catalog: Catalog) -> RunDocument:
    return next(iter(_shown([catalog.run(run_id)], services, catalog)))


def _shown(runs: Iterable[Run], services: Services, catalog: Catalog) -> Iterable[RunDocument]:
    """The runs, with their places in the queue."""
    positions: dict[int, int] = {}
    found = list(runs)
    if any(run.status is RunStatus.QUEUED for run in found):
        waiting = in_order(catalog.queued_runs(), services.pantry.jobs)
        positions = {run.id: place for place, run in enumerate(waiting, start=1)}
    return (run_document(run, positions.get(run.id)) for run in found)
