"""Executing: the runs that wait get their places, and are carried out by other threads."""

import logging
from functools import partial

from jobs.errors import RunEnded, RunInProgress, RunInterrupted
from jobs.job import Job
from jobs.records import Run
from jobs.run_queue import in_order
from scheduler.firing import Firing
from scheduler.listener import run_interrupted, run_raised

log = logging.getLogger(__name__)


def start_queued(firing: Firing) -> None:
    """Begins the runs that wait, as far as there are places and their jobs are not being run.

    A run of the job that was interrupted goes first: it waited longer.
    """
    begun: set[int] = set()
    with firing.deciding():
        while not firing.stopping.is_set() and firing.leading() and _start_next(firing, begun):
            pass  # what waits may be another by then


def _start_next(firing: Firing, begun: set[int]) -> bool:
    """Begins one run, if there is one that can be; returns whether there may be more."""
    waiting = [run for run in firing.catalog.queued_runs() if run.id not in begun]
    if not waiting:
        return False
    jobs, busy = firing.jobs(), firing.catalog.jobs_begun()
    for run in in_order(waiting, jobs):
        job = jobs.get(run.job)
        if job is None:
            firing.catalog.cancel_run(run.id, "the job is no longer defined")
            log.warning("run cancelled run=%d job=%s reason=not defined", run.id, run.job)
        elif run.job not in busy and start(job, run, firing):
            begun.add(run.id)
            return len(waiting) > 1
    return False


def start(job: Job, run: Run, firing: Firing) -> bool:
    """Has a run that waits, or was interrupted, carried out; False if there is no place for it."""
    if not firing.enter(job.name):
        return False
    firing.hand_over(partial(_execute, job, run, firing))
    return True


def _execute(job: Job, run: Run, firing: Firing) -> None:
    try:
        # A run that got its place when the server was told to stop is found by the next start.
        if not firing.stopping.is_set():
            firing.run(job, run.cause, scheduled_for=run.scheduled_for, resume=run.id)
    except RunInProgress as error:
        # Another process was quicker. It waits on, for the next look: not for what follows here.
        log.info("run not started run=%d job=%s reason=%s", run.id, job.name, error)
        firing.leave(job.name)
        return
    except RunEnded as error:
        log.info("run not started run=%d job=%s reason=%s", run.id, job.name, error)
    except RunInterrupted as error:
        run_interrupted(firing.catalog, firing.owner, run, error)
    except Exception as error:  # noqa: BLE001 - one bad run must not end the scheduler
        if firing.stopping.is_set():  # what it needs is being stopped as well
            run_interrupted(firing.catalog, firing.owner, run, error)
        else:
            run_raised(firing.catalog, firing.owner, run, error)
    firing.leave(job.name)
    firing.ended(job.name)
