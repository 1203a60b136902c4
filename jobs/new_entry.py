"""A finished evaluation as the entry that will answer from now on."""

from datetime import datetime
from typing import Any, Final

from cache.entry import Entry
from engine.evaluation import Evaluation
from jobs.call import Call
from jobs.job import Job
from jobs.outputs import bodies_of, unrendered
from jobs.r_values import plain_values

UNRENDERED: Final = "unrendered"
"""In an entry's `extra`: why formats that were asked for are not among its bodies, by label."""
RUN: Final = "run"
"""In an entry's `extra`: the run that computed it; not there if somebody's call did."""


def new_entry(
    job: Job,
    call: Call,
    evaluation: Evaluation,
    *,
    cache_key: str,
    session_key: str,
    version: str,
    computed_at: datetime,
    pinned: bool,
    run_id: int | None = None,
) -> Entry:
    """The entry; `pinned` if the job's runs compute it, whoever asked first."""
    fresh_until, stale_until, keep_until = job.freshness.until(computed_at)
    arguments = call.arguments
    if job.declares(arguments):
        arguments = job.complete(arguments)
    extra: dict[str, Any] = {UNRENDERED: missing} if (missing := unrendered(evaluation)) else {}
    if run_id is not None:
        extra[RUN] = run_id
    return Entry(
        cache_key=cache_key,
        function=job.qualified,
        job=job.name,
        version=version,
        session_key=session_key,
        arguments=plain_values(arguments),
        computed_at=computed_at,
        duration_s=evaluation.duration_s,
        fresh_until=fresh_until,
        stale_until=stale_until,
        keep_until=keep_until,
        pinned=pinned,
        tags=job.tags,
        seed=job.seed,
        listing=evaluation.listing,
        extra=extra,
        bodies=bodies_of(evaluation),
    )
