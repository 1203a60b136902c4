"""Chunks: some cells of one job, evaluated by one child and kept together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cache.border import disk_border
from cache.entry import Entry, EntryFacts, Version
from cache.errors import CacheError, SessionError
from cache.fence import Fence, no_fence
from cache.sessions import Stage
from engine.errand import is_called_off
from engine.errors import (
    CallCancelled,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    RError,
    WorkerDied,
)
from engine.evaluation import Evaluation
from jobs.call import Call
from jobs.errors import JobError
from jobs.failures import failure_of, with_story
from jobs.job import Job
from jobs.new_entry import new_entry
from jobs.outputs import outputs_of
from jobs.pantry import Pantry
from jobs.r_values import plain_values
from jobs.records import CellOutcome
from jobs.status import Outcome


@dataclass(frozen=True)
class AskedCell:
    """A cell that a run looks at: what to call, and where its answer is kept."""

    call: Call
    cache_key: str


Result = CellOutcome | EngineError | CacheError
KEPT_AT_ONCE: Final = 32
"""Answers kept in one transaction: a kill loses no more of each chunk under way."""


@dataclass(frozen=True)
class Chunks:
    """Computes chunks of one job in one run; for several threads at once.

    Attributes:
        job: The job.
        version: The version that the answers will have.
        pantry: Where they are kept.
        run_id: The run.
        fingerprint: Of the job's input, if it names one.
        pause: Waits so many seconds, or until the run has ended.
        fence: Raises `RunEnded` where the run's answers are not to be kept any more.
    """

    job: Job
    version: Version
    pantry: Pantry
    run_id: int
    fingerprint: str | None = None
    pause: Callable[[float], None] = time.sleep
    fence: Fence = no_fence

    def compute(self, chunk: Sequence[AskedCell]) -> list[CellOutcome]:
        """What became of each cell, after as many attempts as the job allows.

        A cell that failed keeps its last good answer. What is tried again `Retries` says. Of a run
        that was cancelled, cells that were not computed are left out.

        Raises:
            EngineUnavailable, EngineBusy, TemplateFailed: R cannot be asked.
            StoreFull, StoreUnavailable: Answers cannot be kept.
            RunEnded: They are another's to compute by now.
        """
        outcomes: list[CellOutcome] = []
        attempt = 1
        while chunk:
            again: list[AskedCell] = []
            for one, result in self._attempt(chunk):
                if isinstance(result, CellOutcome):
                    done = result
                elif self.job.retries.again(attempt, result):
                    again.append(one)
                    continue
                elif isinstance(result, CallCancelled) and is_called_off():
                    continue
                else:
                    done = self.outcome(one, Outcome.FAILED, error=str(result))
                    done = replace(done, failure=failure_of(result))
                outcomes.append(done if attempt == 1 else replace(done, attempts=attempt))
            if again:
                self.pause(self.job.retries.pause_s(attempt))
            chunk = again
            attempt += 1
        return outcomes

    def outcome(
        self,
        one: AskedCell,
        outcome: Outcome,
        answer: EntryFacts | None = None,
        error: str | None = None,
    ) -> CellOutcome:
        """What is noted of a cell."""
        return CellOutcome(
            job=self.job.name,
            cache_key=one.cache_key,
            arguments=answer.arguments if answer else plain_values(one.call.arguments),
            outcome=outcome,
            run_id=self.run_id,
            session_key=answer.session_key if answer else None,
            computed_at=answer.computed_at if answer else None,
            fresh_until=answer.fresh_until if answer else None,
            duration_s=answer.duration_s if answer else None,
            error=error,
        )

    def _attempt(self, chunk: Sequence[AskedCell]) -> list[tuple[AskedCell, Result]]:
        """Has all of the chunk evaluated, and what succeeded kept, even where the rest is lost."""
        stages = [self.pantry.sessions.stage() for _ in chunk]
        results: dict[int, Result] = {}
        made: list[Entry] = []
        given = [value for one in chunk for value in one.call.arguments.values()]
        lost: EngineError = WorkerDied("the engine gave no answer")
        try:
            with disk_border(self.pantry.sessions.root):
                for index, result in self.pantry.pool.evaluate_many(
                    [
                        (one.call.for_engine(self.job), stage.path)
                        for one, stage in zip(chunk, stages, strict=True)
                    ],
                    limits=self.job.limits(self.pantry.limits, given),
                    priority=self.job.priority,
                    outputs=outputs_of(self.job),
                ):
                    done = self._result(chunk[index], stages[index], result)
                    if isinstance(done, Entry):
                        made.append(done)
                        results[index] = self.outcome(chunk[index], Outcome.COMPUTED, done)
                    else:
                        results[index] = done
                    if len(made) >= KEPT_AT_ONCE:
                        made, kept = [], made
                        self._keep(kept)
        except CallCancelled as error:  # all of the chunk, or the run
            lost = error
        finally:
            for stage in stages:
                self.pantry.sessions.discard(stage)  # those published are not there any more
            self._keep(made)
        return [(one, results.get(index, lost)) for index, one in enumerate(chunk)]

    def _result(
        self, one: AskedCell, stage: Stage, evaluated: Evaluation | EngineError
    ) -> Entry | EngineError | CacheError:
        if isinstance(evaluated, EngineUnavailable | EngineBusy):
            raise evaluated
        if isinstance(evaluated, EngineError):
            return with_story(evaluated, stage)
        if not evaluated.ok:
            message = evaluated.error_message or "R raised an error"
            return with_story(RError(evaluated.error or message, message), stage)
        try:
            self.pantry.sessions.publish(stage, cache_key=one.cache_key)
        except SessionError as error:
            return error
        return self._entry(one, evaluated, stage.session_key)

    def _entry(self, one: AskedCell, evaluated: Evaluation, session_key: str | None) -> Entry:
        return new_entry(
            self.job,
            one.call,
            evaluated,
            cache_key=one.cache_key,
            session_key=session_key,
            version=self.version.digest,
            computed_at=self.pantry.clock(),
            pinned=True,
            run_id=self.run_id,
            fingerprint=self.fingerprint,
        )

    def _keep(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        try:
            self.pantry.store.put_many(entries, fence=self.fence)
        except (CacheError, JobError):
            for entry in entries:
                if entry.session_key is not None:
                    self.pantry.sessions.delete(entry.session_key)
            raise
        self.pantry.generations.bump(self.job.qualified)
