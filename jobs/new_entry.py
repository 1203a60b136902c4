"""A finished evaluation as the entry that will answer from now on."""

from datetime import datetime
from typing import Final

from cache.entry import Entry
from engine.evaluation import Evaluation
from jobs.call import Call
from jobs.job import Job
from jobs.outputs import bodies_of, unrendered
from jobs.r_values import plain_values

UNRENDERED: Final = "unrendered"
"""In an entry's `extra`: why formats that were asked for are not among its bodies, by label."""
FINGERPRINT: Final = "input"
"""In an entry's `extra`: the fingerprint of the input that a run computed it from."""
RUN: Final = "run"
"""In an entry's `extra`: the run that computed it; not there if somebody's call did."""


def new_entry(
    job: Job,
    call: Call,
    evaluation: Evaluation,
    *,
    cache_key: str,
    session_key: str | None,
    version: str,
    computed_at: datetime,
    pinned: bool,
    run_id: int | None = None,
    fingerprint: str | None = None,
) -> Entry:
    """The entry; `pinned` if the job's runs compute it, whoever asked first.

    `fingerprint` is that of the input which it is known to be made of.
    """
    fresh_until, stale_until, keep_until = job.freshness.until(computed_at)
    arguments = call.arguments
    if job.declares(arguments):
        arguments = job.complete(arguments)
    extra = {UNRENDERED: unrendered(evaluation), RUN: run_id, FINGERPRINT: fingerprint}
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
        extra={name: value for name, value in extra.items() if value},
        bodies=bodies_of(evaluation),
    )
