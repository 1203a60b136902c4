"""The addresses of the pages; each looks something up and fills in a template."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.deps import CatalogDep, RightsDep, ServicesDep
from api.form import form_pairs
from api.web.cell import cell_page
from api.web.job import job_page, table_page
from api.web.overview import JobState, overview
from api.web.page import page
from jobs.live_definitions import LiveDefinitions
from jobs.scope import Only, Scope, narrowed
from jobs.status import Cause, RunStatus

router = APIRouter(include_in_schema=False)

RUNS_AT_ONCE = 50
FAILED_AT_ONCE = 50


@router.get("/")
def show_overview(
    request: Request,
    services: ServicesDep,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    search: str = "",
    state: str = "",
    number: Annotated[int, Query(alias="page")] = 1,
) -> Response:
    """Is everything fresh?"""
    chosen = JobState(state) if state in set(JobState) else None
    seen = overview(
        rights.readable,
        services.pantry,
        catalog,
        services.state_folder,
        search=search,
        state=chosen,
        number=number,
    )
    return page(request, "overview.html", {"seen": seen, "search": search, "state": chosen})


@router.get("/jobs/{job}")
def show_job(
    job: str, request: Request, services: ServicesDep, catalog: CatalogDep, rights: RightsDep
) -> Response:
    """One job."""
    definition = rights.job(job)
    asked = dict(form_pairs(request.url.query.encode()))
    base_url = str(request.base_url).rstrip("/")
    seen = job_page(definition, services.pantry, catalog, asked, base_url)
    return page(request, "job.html", {"job": definition, "seen": seen})


@router.get("/jobs/{job}/cells")
def show_cells(job: str, request: Request, services: ServicesDep, rights: RightsDep) -> Response:
    """All answers of a job."""
    definition = rights.job(job)
    asked = dict(form_pairs(request.url.query.encode()))
    seen = table_page(definition, services.pantry, asked)
    return page(request, "cells.html", {"job": definition, "seen": seen, "asked": asked})


@router.get("/jobs/{job}/cell")
def show_cell(
    job: str, request: Request, services: ServicesDep, catalog: CatalogDep, rights: RightsDep
) -> Response:
    """One answer."""
    definition = rights.job(job)
    pairs = form_pairs(request.url.query.encode())
    with_r = rights.caller.starts_r
    seen = cell_page(definition, services.pantry, catalog, pairs, with_r=with_r)
    return page(request, "cell.html", {"job": definition, "seen": seen})


@router.post("/jobs/{job}/runs")
async def ask_for_run(
    job: str, request: Request, catalog: CatalogDep, rights: RightsDep
) -> Response:
    """Asks for a run of what a form says, and goes to its page."""
    pairs = form_pairs(await request.body())
    only = next((value for name, value in pairs if name == "only"), "")
    where: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if name.startswith("where."):
            key = name.removeprefix("where.")
            where[key] = (*where.get(key, ()), value)
    scope = Scope(where, Only(only) if only in set(Only) else None)
    narrowed(rights.job(job), scope)
    run = await run_in_threadpool(catalog.queue_run, job, Cause.MANUAL, scope=scope)
    return RedirectResponse(f"/runs/{run.id}", 303)


@router.get("/runs")
def show_runs(
    request: Request,
    catalog: CatalogDep,
    rights: RightsDep,
    *,
    job: str = "",
    status: str = "",
    before: int | None = None,
) -> Response:
    """What is run, was and will be."""
    chosen = RunStatus(status) if status in set(RunStatus) else None
    names = [job] if job else None
    if rights.caller.jobs:
        names = [one.name for one in rights.readable if job in ("", one.name)]
    found = catalog.runs(
        job=names,
        status=(chosen,) if chosen else (),
        before=before,
        limit=RUNS_AT_ONCE + 1,
    )
    shown = {"runs": found[:RUNS_AT_ONCE], "has_more": len(found) > RUNS_AT_ONCE}
    return page(request, "runs.html", {**shown, "job": job, "status": chosen, "all": RunStatus})


@router.get("/runs/{run_id}")
def show_run(
    run_id: int, request: Request, catalog: CatalogDep, rights: RightsDep, after: str = ""
) -> Response:
    """One run."""
    run = catalog.run(run_id)
    rights.check_read(run.job)
    failed = catalog.failed_of_run(run_id, after=after, limit=FAILED_AT_ONCE + 1)
    shown = {"failed": failed[:FAILED_AT_ONCE], "has_more": len(failed) > FAILED_AT_ONCE}
    return page(request, "run.html", {"run": run, **shown})


@router.post("/runs/{run_id}/cancel")
def cancel_run(run_id: int, catalog: CatalogDep, rights: RightsDep) -> Response:
    """Ends a run."""
    rights.check_read(catalog.run(run_id).job)
    catalog.cancel_run(run_id, "cancelled on its page")
    return RedirectResponse(f"/runs/{run_id}", 303)


@router.get("/definitions")
def show_definitions(request: Request, services: ServicesDep, rights: RightsDep) -> Response:
    """The job files, and what is wrong with them."""
    live = LiveDefinitions.read(services.state_folder)
    return page(request, "definitions.html", {"live": live, "jobs": rights.readable})
