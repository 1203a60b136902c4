"""Materialising: from a miss to the same resolution that a hit would have been."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from cache.border import disk_border
from cache.call_records import CallRecords
from cache.clock import Clock
from cache.entry import State
from cache.errors import CacheError
from cache.generations import Generations
from cache.sessions import SessionFolder
from cache.store import Store
from engine.asker_errors import AskerRefused
from engine.call import Output, Priority
from engine.errors import EngineError, LimitReached
from engine.evaluation import Evaluation
from engine.limits import Limits
from jobs.call import Call, is_prepared
from jobs.errors import CallFailed, RefusedMiss
from jobs.evaluator import Evaluator
from jobs.flight import Flights, landed
from jobs.job import Job
from jobs.new_entry import new_entry
from jobs.outputs import outputs_of
from jobs.resolution import Resolution
from jobs.resolve import Resolver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """A finished call and the published session that has all of it."""

    session_key: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Materialiser:
    """Has calls evaluated and keeps what comes of them.

    Every method may raise what the engine raises (`EngineError`) and `StoreFull` or
    `StoreUnavailable`; nothing is left half-written then.

    Attributes:
        resolver: Looks whether somebody else was quicker.
        store: Where answers are kept.
        sessions: Where sessions are published.
        calls: Where it is noted how a call ended that left no session.
        generations: Are told of new answers.
        pool: Runs R.
        flights: What is being made now.
        clock: Gives the moment.
        limits: Of one call; a job's timeout takes the place of `wall_s`.
    """

    resolver: Resolver
    store: Store
    sessions: SessionFolder
    calls: CallRecords
    generations: Generations
    pool: Evaluator
    flights: Flights
    clock: Clock
    limits: Limits

    def begin(
        self,
        call: Call,
        job: Job,
        *,
        also: Sequence[Output] = (),
        newer_than: datetime | None = None,
        session_key: str | None = None,
    ) -> "Future[Resolution]":
        """Has the call answered for somebody who waits; returns at once.

        All who ask for the same answer, in all processes, share one evaluation. The Future raises
        `CallFailed` when R raised an error: that is never stored, but has its session.

        Args:
            call: What is asked.
            job: Under which job.
            also: Formats to be rendered besides the job's own.
            newer_than: Only an answer computed after it will do (HTTP's `no-cache`).
            session_key: Of the session to make, if it is not somebody else who makes it.

        Raises:
            RefusedMiss: The job computes nothing on demand.
        """
        if job.on_miss == "refuse":
            raise RefusedMiss(job.name)
        key = job.cache_key(call.arguments)

        def make() -> Resolution:
            found = self.resolver.look(call, job)
            if _will_do(found, newer_than):
                return found
            return self.compute(found, Priority.LIVE, also, session_key)

        return self.flights.launch(key, make)

    def materialise(
        self,
        call: Call,
        job: Job,
        *,
        also: Sequence[Output] = (),
        newer_than: datetime | None = None,
        session_key: str | None = None,
    ) -> Resolution:
        """As `begin`, but waits for the answer.

        Raises:
            CallFailed: R raised an error.
            RefusedMiss: The job computes nothing on demand.
        """
        return landed(
            lambda: self.begin(call, job, also=also, newer_than=newer_than, session_key=session_key)
        )

    def refresh(self, stale: Resolution) -> Resolution:
        """The successor of a stale answer, unless another process has just made it.

        Raises:
            CallFailed: R raised an error; nobody would read that session, so it is gone.
        """
        found = self.resolver.look(stale.call, stale.job)
        if found.state is State.FRESH:
            return found
        try:
            return self.compute(found, Priority.REFRESH)
        except CallFailed as error:
            self.sessions.delete(error.session_key)
            raise

    def compute(
        self,
        found: Resolution,
        priority: Priority,
        also: Sequence[Output] = (),
        session_key: str | None = None,
    ) -> Resolution:
        """The answer to what was `found` wanting, computed and kept whatever is there already.

        Raises:
            CallFailed: R raised an error.
        """
        job, call = found.job, found.call
        done = self.evaluate(
            call,
            job=job,
            priority=priority,
            outputs=outputs_of(job, also),
            limits=job.limits(self.limits, call.arguments.values()),
            cache_key=found.cache_key,
            session_key=session_key,
        )
        now = self.clock()
        entry = new_entry(
            job,
            call,
            done.evaluation,
            cache_key=found.cache_key,
            session_key=done.session_key,
            # The one before R was asked: should R's sources change meanwhile, it is stale at once.
            version=found.version.digest if found.version else "",
            computed_at=now,
            pinned=is_prepared(job, call.arguments),
        )
        stored = True
        try:
            self.store.put(entry)
            self.generations.bump(job.qualified)
        except CacheError as error:
            # It is there and somebody waits for it: better an answer that is not kept than none.
            log.error("answer not kept job=%s key=%s reason=%s", job.name, entry.cache_key, error)  # noqa: TRY400 - the reason says it all
            stored = False
        return replace(found, state=State.FRESH, now=now, entry=entry, computed=True, stored=stored)

    def evaluate(
        self,
        call: Call,
        *,
        job: Job | None = None,
        limits: Limits | None = None,
        priority: Priority = Priority.LIVE,
        outputs: Sequence[Output] = (),
        cache_key: str | None = None,
        session_key: str | None = None,
    ) -> Evaluated:
        """Runs a call and publishes its session; keeps no answer. For calls that no job declares.

        `cache_key` is that under which the caller will keep the answer, if it will; `session_key`
        that of the session to make. A call that leaves no session leaves a record.

        Raises:
            CallFailed: R raised an error, or a limit was reached; that session is published too.
        """
        stage = self.sessions.stage(session_key)
        limit = None
        try:
            with disk_border(self.sessions.root):
                call.place_inputs(stage.path)
                try:
                    evaluation = self.pool.evaluate(
                        call.hiding(call.for_engine(job), stage.path),
                        stage=stage.path,
                        limits=limits or self.limits,
                        priority=priority,
                        outputs=outputs,
                    )
                except LimitReached as error:
                    if error.evaluation is None:
                        raise
                    evaluation, limit = error.evaluation, error
            owner = call.owner if priority is Priority.LIVE else ""
            self.sessions.publish(stage, cache_key=cache_key, owner=owner)
        except AskerRefused:
            raise  # it never was a call
        except (EngineError, CacheError) as error:
            key, kind = stage.session_key, type(error).__name__
            self.calls.end(key, call.function, failure=kind, reason=str(error))
            raise
        finally:
            self.sessions.discard(stage)  # nothing is there any more once it is published
        if not evaluation.ok:
            raise CallFailed(call.function, stage.session_key, evaluation, limit)
        return Evaluated(stage.session_key, evaluation)


def _will_do(found: Resolution, newer_than: datetime | None) -> bool:
    """Whether what is there now spares the evaluation: another process has just made it.

    Who wants another answer than the one that is there may want its session.
    """
    if found.entry is None or newer_than is None:
        return found.entry is not None
    return found.entry.computed_at > newer_than and found.entry.session_key is not None
