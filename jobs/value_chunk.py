"""Chunks of a job whose cells keep no session: thousands, evaluated in one loop of R's."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cache.border import disk_border
from cache.entry import Entry
from cache.keys import Secret
from engine.call import Argument, FunctionCall
from engine.errors import CallCancelled, EngineBusy, EngineError, EngineUnavailable, WorkerDied
from engine.evaluation import Evaluation
from engine.limits import Limits
from engine.value_answer import Told
from jobs.chunk import AskedCell, Chunks, Result
from jobs.new_entry import NewEntries
from jobs.outputs import value_outputs_of
from jobs.r_values import engine_arguments
from jobs.status import Outcome

KEPT_AT_ONCE: Final = 256
"""Answers kept in one transaction: some ten milliseconds, so that other writers get their turn."""


class ValueChunks(Chunks):
    """Computes chunks of cells for their values alone."""

    def _attempt(self, chunk: Sequence[AskedCell]) -> list[tuple[AskedCell, Result]]:
        results: dict[int, Result] = {}
        made: list[Entry] = []
        lost: EngineError = WorkerDied("the engine gave no answer")
        try:
            for told in self._told(chunk):
                made += self._entries(chunk, told, results)
                if len(made) >= KEPT_AT_ONCE:
                    made, kept = [], made
                    self._keep(kept)
        except (CallCancelled, WorkerDied) as error:  # all of the chunk, or the run; or R code
            lost = error  # that made a message of its own
        finally:
            self._keep(made)
        return [(one, results.get(index, lost)) for index, one in enumerate(chunk)]

    def _told(self, chunk: Sequence[AskedCell]) -> Iterator[Told]:
        """What R answers, part by part; what cells write meanwhile is lost."""
        job, sessions = self.job, self.pantry.sessions
        stage = sessions.stage()
        try:
            with disk_border(sessions.root):
                yield from self.pantry.pool.evaluate_values(
                    FunctionCall(job.package, job.function, seed=job.seed, checks=job.checks),
                    [self._arguments(one) for one in chunk],
                    stage=stage.path,
                    limits=self._limits(chunk),
                    priority=job.priority,
                    outputs=value_outputs_of(job),
                )
        finally:
            sessions.discard(stage)

    def _entries(
        self, chunk: Sequence[AskedCell], told: Told, results: dict[int, Result]
    ) -> Iterable[Entry]:
        """The entries of cells that succeeded; what is to be noted of each goes to `results`."""
        entries = NewEntries(
            self.job,
            version=self.version.digest,
            computed_at=self.pantry.clock(),
            run_id=self.run_id,
            fingerprint=self.fingerprint,
        )
        for index, result in told:
            if isinstance(result, Evaluation):
                entry = entries.of(chunk[index].call, result, cache_key=chunk[index].cache_key)
                results[index] = self.outcome(chunk[index], Outcome.COMPUTED, entry)
                yield entry
            elif isinstance(result, EngineUnavailable | EngineBusy):
                raise result
            else:
                results[index] = result

    def _limits(self, chunk: Sequence[AskedCell]) -> Limits:
        given = (value for one in chunk for value in one.call.arguments.values())
        return self.job.limits(self.pantry.limits, given)

    def _arguments(self, one: AskedCell) -> tuple[Argument, ...]:
        given = one.call.arguments
        if any(type(value) is Secret for value in given.values()):
            return one.call.for_engine(self.job).arguments  # nothing else may go with it
        return engine_arguments(given)
