"""Jobs and schedules as /v1 shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from api.run_document import run_document
from cache.clock import to_text
from jobs.argument import NO_DEFAULT, ArgumentSpec
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.r_values import plain_values
from jobs.records import Run, ScheduleRow
from jobs.repository import Catalog


def job_views(pantry: Pantry, catalog: Catalog, jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """Returns what there is to say of jobs, in their order."""
    runs = catalog.last_runs()
    schedules: dict[str, list[ScheduleRow]] = {}
    for row in catalog.schedules():
        schedules.setdefault(row.job, []).append(row)
    return [job_view(pantry, job, runs.get(job.name), schedules.get(job.name, [])) for job in jobs]


def job_view(
    pantry: Pantry, job: Job, last_run: Run | None, schedules: list[ScheduleRow]
) -> dict[str, Any]:
    """Returns a job's contract, how fresh its answers are, and when it ran and will run."""
    counts = pantry.freshness(job)
    version = pantry.versions.current(job.name)
    fires = [row.next_fire for row in schedules if row.next_fire is not None]
    return {
        "name": job.name,
        "description": job.description,
        "kind": "rows" if job.rows is not None else "grid",
        "function": job.qualified,
        "arguments": _arguments(job),
        "outputs": list(job.outputs),
        "version": version.digest if version else None,
        "freshness": {
            "total": counts.total,
            "fresh": counts.fresh,
            "stale": counts.stale,
            "missing": counts.missing,
            "oldest_computed_at": _time(counts.oldest),
        },
        "cache": {
            "fresh_for_s": job.freshness.fresh_for_s,
            "serve_stale_for_s": job.freshness.serve_stale_for_s,
            "keep_s": job.freshness.keep_s,
        },
        "on_miss": job.on_miss,
        "schedules": [_schedule(row) for row in schedules],
        "next_fire": _time(min(fires, default=None)),
        "last_run": last_run and run_document(last_run).model_dump(mode="json"),
        "owner": job.owner,
        "tags": list(job.tags),
        "links": {
            "results": f"/v1/results/{job.name}",
            "table": f"/v1/results/{job.name}/table",
            "opencpu": f"/ocpu/library/{job.package}/R/{job.function}",
        },
    }


def _arguments(job: Job) -> list[dict[str, Any]]:
    if job.rows is not None:
        return [{"name": job.rows.key, "type": "any", "required": True}]
    return [_argument(spec) for spec in job.arguments]


def _argument(spec: ArgumentSpec) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": spec.name, "type": spec.type, "required": spec.required}
    if spec.values is not None:
        facts["values"] = list(plain_values(dict(enumerate(spec.values))).values())  # type: ignore[arg-type]
    for name in ("min", "max", "unit", "description"):
        value = getattr(spec, name)
        if value not in (None, ""):
            facts[name] = value
    if spec.default is not NO_DEFAULT:
        facts["default"] = plain_values({"default": spec.default})["default"]
    return facts


def _schedule(row: ScheduleRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "text": row.text,
        "timezone": row.timezone,
        "next_fire": _time(row.next_fire),
        "last_fire": _time(row.last_fire),
        "last_skipped": _time(row.last_skipped),
        "skip_reason": row.skip_reason,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)
