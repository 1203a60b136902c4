"""Runs on the audit, and by name in the log: R is told of the run as of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.request_id import current_request, working_for
from jobs.audit_record import AuditOutcome, CacheUse
from jobs.audit_spool import AuditSpool
from jobs.job import Job
from jobs.records import Run
from jobs.status import RunStatus


@contextmanager
def audited_run(
    spool: AuditSpool | None, job: Job, run: Run, caller: str
) -> Iterator[Callable[[Run], None]]:
    """Notes that a run began, and how it ended.

    Args:
        spool: Where; None notes nothing.
        job: What is run.
        run: Its row.
        caller: In whose name.

    Yields:
        What is to be told the run's row at its end.
    """
    facts: dict[str, Any] = {}

    def tell(closed: Run) -> None:
        is_done = closed.status is RunStatus.SUCCEEDED
        facts["outcome"] = AuditOutcome.DONE if is_done else AuditOutcome.FAILED
        facts["detail"] = (
            f"{closed.status}, {closed.computed} computed, {closed.fresh} fresh,"
            f" {closed.failed} failed"
        )

    with working_for(current_request() or f"run-{run.id}"):
        if spool is None:
            yield tell
            return
        about = {"job": job.name, "function": job.qualified, "target": f"run {run.id}"}
        how = {"version": run.version[:12], "detail": run.cause, "cache": CacheUse.RUN}
        with spool.noted(
            operation="run", caller=caller, request_id=current_request(), **about, **how
        ) as ended:
            yield tell
            ended.update(facts)
