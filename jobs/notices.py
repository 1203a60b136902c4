"""Notices: what there is to tell about a run that ended, or about answers that went stale."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import islice
from typing import Any, Final

from cache.clock import to_text
from engine.errors import EngineBusy, EngineError, EngineUnavailable
from jobs.changed_rule import AT_ONCE, ChangedRules
from jobs.difference import Change, Kind, each_change
from jobs.errors import RuleFailed
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import Run
from jobs.repository import Catalog
from jobs.status import DONE, Outcome, RunStatus

SHOWN: Final = 10
"""Cells that one message names."""
_JUST_BEFORE: Final = timedelta(microseconds=1)
_FAILED: Final = (RunStatus.FAILED, RunStatus.PARTIAL)
_ENDED: Final = (*DONE, RunStatus.FAILED)

Message = dict[str, Any]


@dataclass
class _Found:
    """The changes that a rule is about, so far."""

    count: int = 0
    largest: list[Change] = field(default_factory=list)
    problem: str | None = None

    def add(self, changes: list[Change]) -> None:
        self.count += len(changes)
        found = [*self.largest, *changes]
        self.largest = nlargest(SHOWN, found, key=lambda change: change.size)


@dataclass(frozen=True)
class Notices:
    """Makes messages: plain JSON, the same for all channels.

    Attributes:
        pantry: Has the answers.
        catalog: Has the runs.
        project: The project's name.
        url: Under which people reach the server.
    """

    pantry: Pantry
    catalog: Catalog
    project: str
    url: str

    def of_run(self, job: Job, run: Run) -> Message | None:
        """The one message about a run that ended; None if there is nothing to tell.

        Raises:
            EngineUnavailable, EngineBusy: R cannot be asked about a rule now.
            CatalogError, StoreUnavailable: Answers or runs cannot be read now.
        """
        events, told = [], list[str]()
        if job.notify.failed and run.status in _FAILED:
            events.append("failed")
            told.append(f"run {run.id} {_ended(run)}")
        if job.notify.failed and run.status is RunStatus.SUCCEEDED and self._failed_before(run):
            events.append("recovered")
            told.append(f"run {run.id} succeeded again")
        found = _Found()
        if run.status in DONE and run.computed:
            found = self._changed(job, run)
        if found.count or found.problem:
            events.append("changed")
            told.append(found.problem or f"run {run.id} changed {found.count:,} answers")
        if not events:
            return None
        return self._message(job, events, "; ".join(told)) | {
            "run": _run_facts(run),
            "failures": self._failures(run),
            "changed": found.count,
            "changes": [_change_facts(change) for change in found.largest],
            "rules": list(job.notify.changed),
            "link": f"{self.url}/v1/runs/{run.id}",
        }

    def of_stale(self, job: Job, since: datetime) -> Message:
        """The message about answers that have been stale since then."""
        told = f"answers are stale since {to_text(since)}, and no run has made them fresh"
        return self._message(job, ["stale"], told) | {
            "stale_since": to_text(since),
            "link": f"{self.url}/v1/jobs/{job.name}",
        }

    def _message(self, job: Job, events: list[str], told: str) -> Message:
        return {
            "project": self.project,
            "job": job.name,
            "owner": job.owner,
            "events": events,
            "summary": f"{job.name}: {told}",
            "at": to_text(self.pantry.clock()),
        }

    def _failed_before(self, run: Run) -> bool:
        before = self.catalog.runs(job=run.job, status=_ENDED, before=run.id, limit=1)
        return bool(before) and before[0].status in _FAILED

    def _failures(self, run: Run) -> list[dict[str, Any]]:
        if run.status not in _FAILED:
            return []
        failed = self.catalog.cells(run.job, outcome=[Outcome.FAILED], run_id=run.id, limit=SHOWN)
        return [{"arguments": dict(one.arguments), "error": one.error} for one in failed]

    def _changed(self, job: Job, run: Run) -> _Found:
        """The changes that the run brought and that a rule of the job is about."""
        found = _Found()
        if not job.notify.changed or run.finished_at is None:
            return found
        rules = ChangedRules(self.pantry.pool, self.pantry.sessions, self.pantry.limits)
        span = (run.started_at - _JUST_BEFORE, run.finished_at)
        try:
            with each_change(self.pantry, self.catalog, job, *span) as (_, changes):
                for block in _blocks(one for one in changes if one.kind is Kind.CHANGED):
                    pairs = [(one.before, one.after) for one in block]
                    asked = [rules.which(rule, job.package, pairs) for rule in job.notify.changed]
                    meant = (any(said) for said in zip(*asked, strict=True))
                    found.add([one for one, is_meant in zip(block, meant, strict=True) if is_meant])
        except (EngineUnavailable, EngineBusy):
            raise
        except (RuleFailed, EngineError) as error:
            found.problem = str(error)
        return found


def _blocks(changes: Iterator[Change]) -> Iterator[list[Change]]:
    while block := list(islice(changes, AT_ONCE)):
        yield block


def _ended(run: Run) -> str:
    text = "failed" if run.status is RunStatus.FAILED else "failed in part"
    return f"{text}: {run.error}" if run.error else text


def _run_facts(run: Run) -> Mapping[str, Any]:
    return {
        "id": run.id,
        "status": run.status.value,
        "cause": run.cause.value,
        "started_at": to_text(run.started_at),
        "finished_at": run.finished_at and to_text(run.finished_at),
        "total": run.cells_total,
        "computed": run.computed,
        "fresh": run.fresh,
        "skipped": run.skipped,
        "failed": run.failed,
        "error": run.error,
    }


def _change_facts(change: Change) -> Mapping[str, Any]:
    return {
        "arguments": dict(change.arguments),
        "old": change.before,
        "new": change.after,
        "parts": [vars(part) for part in change.parts],
    }
