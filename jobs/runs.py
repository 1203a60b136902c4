"""Running a job: its row in the catalog, the work, and how it ended."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Event

from cache.entry import Version
from cache.errors import CacheError, StoreFull, StoreUnavailable
from engine.errors import CallCancelled, EngineBusy, EngineError, EngineUnavailable
from jobs.audit_spool import AuditSpool
from jobs.audited_run import audited_run
from jobs.errors import CatalogError, JobError, RunEnded, RunInterrupted
from jobs.grid_run import GridRun
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.records import Run
from jobs.repository import Catalog
from jobs.rows_run import RowsRun
from jobs.run_record import Progress, RunRecord, no_progress
from jobs.run_watch import RunWatch
from jobs.scope import NOT_FRESH, Scope, narrowed
from jobs.status import Cause, RunStatus
from jobs.version_keeper import VersionKeeper

log = logging.getLogger(__name__)

BY_INTERRUPT = "cancelled by Ctrl-C"

_NOT_NOW = (EngineUnavailable, EngineBusy, StoreFull, StoreUnavailable, CatalogError)


class Runner:
    """Runs jobs to their end; several at a time in as many threads.

    Args:
        pantry: Where answers are kept, and the engine.
        catalog: Where runs and outcomes are noted.
        keeper: Finds out the version that a run computes.
        owner: The name of this process in run rows; its own unless given.
        workers: R children that one run keeps busy; as many as there are cores unless given.
        stopping: Set when runs are to stop soon and be taken up later.
        spool: Where runs are put on record.
        caller: In whose name.
    """

    def __init__(
        self,
        pantry: Pantry,
        catalog: Catalog,
        keeper: VersionKeeper,
        *,
        owner: str | None = None,
        workers: int | None = None,
        stopping: Event | None = None,
        spool: AuditSpool | None = None,
        caller: str = "scheduler",
    ) -> None:
        self._pantry = pantry
        self._catalog = catalog
        self._keeper = keeper
        self._owner = owner
        self._workers = workers or len(os.sched_getaffinity(0))
        self._stopping = stopping or Event()
        self._spool = spool
        self._caller = caller

    def run(
        self,
        job: Job,
        cause: Cause,
        *,
        scheduled_for: datetime | None = None,
        resume: int | None = None,
        progress: Callable[[Progress], None] = no_progress,
        scope: Scope = NOT_FRESH,
    ) -> Run:
        """Computes what of the job is in `scope`, and returns the run's closed row. Blocks.

        Args:
            job: What to run.
            cause: Why.
            scheduled_for: The time for which it was meant.
            resume: The number of an interrupted run to be taken up instead of a new one.
            progress: Told of every step, in this thread.
            scope: Which cells to compute; one that is taken up again keeps its own.

        Raises:
            ArgumentInvalid: The scope names what no cell has.
            RunInProgress: The job is being run already.
            RunInterrupted: It cannot go on now; its row waits to be taken up again.
            RunEnded: It was cancelled while it waited.
        """
        narrowed(job, scope)
        version = self._version(job)
        if resume is None:
            row = self._catalog.start_run(
                job.name,
                cause,
                version=self._digest(job, version),
                scheduled_for=scheduled_for,
                owner=self._owner,
                scope=scope,
            )
        else:
            digest = self._digest(job, version)
            row = self._catalog.resume_run(resume, version=digest, owner=self._owner)
        log.info(
            "run started run=%d job=%s cause=%s attempt=%d", row.id, job.name, cause, row.attempt
        )
        record = RunRecord(self._catalog, row, tell=progress, stopping=self._stopping)
        with audited_run(self._spool, job, row, self._caller) as ended:
            run = self._run(job, version, record)
            ended(run)
        return run

    def _run(self, job: Job, version: Version | Exception, record: RunRecord) -> Run:
        """Carries a run out, and returns its closed row."""
        try:
            if isinstance(version, Exception):
                raise version
            self._catalog.forget_failures(job.name)
            with RunWatch(self._catalog, self._pantry.pool, record).over():
                self._work(job, version, record)
            record.save()
            return self._close(record, *record.outcome())
        except (RunEnded, CallCancelled) as error:
            return self._give_up(record, error)
        except (RunInterrupted, *_NOT_NOW) as error:
            reason = error.reason if isinstance(error, RunInterrupted) else str(error)
            self._interrupt(record, reason)
            raise RunInterrupted(job.name, reason) from error
        except (JobError, EngineError, CacheError) as error:
            return self._fail(record, error)
        except KeyboardInterrupt:
            self._catalog.cancel_run(record.run.id, BY_INTERRUPT)
            raise

    def _version(self, job: Job) -> Version | Exception:
        """The version to compute, or why it cannot be known; the run's row has to tell that."""
        try:
            return self._keeper.renew(job)
        except (EngineError, CacheError, CatalogError) as error:
            return error

    def _digest(self, job: Job, version: Version | Exception) -> str:
        known = version if isinstance(version, Version) else self._catalog.version(job.name)
        return known.digest if known else ""

    def _work(self, job: Job, version: Version, record: RunRecord) -> None:
        kind = GridRun if job.rows is None else RowsRun
        kind(
            job=self._pantry.grid_values.read(job),
            version=version,
            pantry=self._pantry,
            catalog=self._catalog,
            record=record,
            scope=record.run.scope,
            workers=min(self._workers, job.concurrency or self._workers),
        ).work()

    def _give_up(self, record: RunRecord, error: Exception) -> Run:
        """The row of a run that somebody closed or took over, with what was computed until then."""
        log.warning("run given up run=%d reason=%s", record.run.id, error)
        with suppress(RunEnded):
            record.save()
        return self._catalog.run(record.run.id)

    def _fail(self, record: RunRecord, error: Exception) -> Run:
        try:
            record.save()
            return self._close(record, RunStatus.FAILED, str(error))
        except RunEnded as ended:
            return self._give_up(record, ended)

    def _close(self, record: RunRecord, status: RunStatus, error: str | None) -> Run:
        run = self._catalog.finish_run(record.run.id, status, error=error, by=record.run)
        log.info(
            "run finished run=%d job=%s status=%s computed=%d fresh=%d skipped=%d failed=%d "
            "took_s=%.1f",
            run.id,
            run.job,
            run.status,
            run.computed,
            run.fresh,
            run.skipped,
            run.failed,
            run.duration_s or 0.0,
        )
        return run

    def _interrupt(self, record: RunRecord, reason: str) -> None:
        """Leaves the row to be taken up, unless the catalog cannot be told or it is not ours."""
        try:
            record.save()
            self._catalog.interrupt_run(record.run.id, error=reason, by=record.run)
        except (CatalogError, RunEnded) as error:
            log.warning("run not recorded run=%d reason=%s", record.run.id, error)
