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
    entries = NewEntries(
        job,
        version=version,
        computed_at=computed_at,
        pinned=pinned,
        run_id=run_id,
        fingerprint=fingerprint,
    )
    return entries.of(call, evaluation, cache_key=cache_key, session_key=session_key)


class NewEntries:
    """The entries of evaluations of one job that ended together; arguments as of `new_entry`."""

    def __init__(
        self,
        job: Job,
        *,
        version: str,
        computed_at: datetime,
        pinned: bool = True,
        run_id: int | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._job = job
        self._extra = {RUN: run_id, FINGERPRINT: fingerprint}
        fresh_until, stale_until, keep_until = job.freshness.until(computed_at)
        self._shared: dict[str, Any] = {
            "function": job.qualified,
            "job": job.name,
            "version": version,
            "computed_at": computed_at,
            "fresh_until": fresh_until,
            "stale_until": stale_until,
            "keep_until": keep_until,
            "pinned": pinned,
            "tags": job.tags,
            "seed": job.seed,
        }

    def of(
        self,
        call: Call,
        evaluation: Evaluation,
        *,
        cache_key: str,
        session_key: str | None = None,
    ) -> Entry:
        """The entry of one of them."""
        arguments = call.arguments
        if self._job.declares(arguments):
            arguments = self._job.complete(arguments)
        extra = {UNRENDERED: unrendered(evaluation), **self._extra}
        return Entry(
            cache_key=cache_key,
            session_key=session_key,
            arguments=plain_values(arguments),
            duration_s=evaluation.duration_s,
            listing=evaluation.listing,
            extra={name: value for name, value in extra.items() if value},
            bodies=bodies_of(evaluation),
            **self._shared,
        )
