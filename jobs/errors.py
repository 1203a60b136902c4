"""The exceptions of `jobs`.

JobError
├── ProjectInvalid      the project's files hold mistakes
├── JobNotFound         no job has that name
├── ValueInvalid        a text is not the duration, schedule, ... it should be
├── ArgumentInvalid     arguments that the job does not allow
├── RowsUnreadable      a table outside, as of a rows job, cannot be used
├── SecretMissing       an environment variable that a job file names is not set
├── InputUnreadable     what answers are made of cannot be looked at
├── RuleFailed          R cannot evaluate a rule about changes
├── RowNotFound         the table of a rows job has no such key
├── NoAnswerThen        a job had no answer at a moment of the past, or none is kept
├── RefusedMiss         not prepared, and the job says `on_miss: refuse`
├── CallFailed          R raised an error or reached a limit; its session can be read
├── RunNotFound         no run has that number
├── RunInProgress       the job is being run already
├── RunInterrupted      a run cannot go on now, and may be taken up again later
├── RunEnded            somebody else closed a run, or took it over, while it went on
├── RunFinished         a run that has ended cannot be cancelled
├── RunQueueFull        too many runs wait already
├── ScheduleNotFound    no schedule has that id
├── SessionPinned       a session holds a prepared answer and cannot be removed alone
└── CatalogError        the catalog cannot be read or written
    ├── CatalogUnavailable  the database did not answer as it should
    ├── LeaseLost           another process leads, and this one wanted to write as the leader
    └── CatalogTooNew       a later Larder wrote this catalog
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cache.clock import to_text
from engine.errors import LimitReached
from engine.evaluation import Evaluation
from jobs.argument_fault import ArgumentFault
from jobs.problem import Problem


class JobError(Exception):
    """Root of everything `jobs` raises."""


class ProjectInvalid(JobError):
    """The project's files hold mistakes; `problems` has all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class JobNotFound(JobError):
    """No job is called `name`; `nearest` is one with a similar name, or empty."""

    def __init__(self, name: str, nearest: str = "") -> None:
        self.name = name
        self.nearest = nearest
        guess = f"; did you mean '{nearest}'?" if nearest else ""
        super().__init__(f"there is no job '{name}'{guess}")


class ValueInvalid(JobError):
    """A text does not say what its place needs; `hint` says how to write it."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(f"{reason} ({hint})" if hint else reason)


class ArgumentInvalid(JobError):
    """Arguments that a job does not allow; `faults` has all of them, `job` may be empty."""

    def __init__(self, faults: Sequence[ArgumentFault], job: str = "") -> None:
        self.faults = tuple(faults)
        self.job = job
        text = "; ".join(str(fault) for fault in self.faults)
        super().__init__(f"{job}: {text}" if job else text)


class RowsUnreadable(JobError):
    """A table outside cannot be used.

    `source` is what people call it: the file's name, or "the query". `about` says what is at
    fault: the source as it is written or its content, its key, or what it needs to be there.
    """

    def __init__(
        self,
        source: str,
        reason: str,
        hint: str = "",
        *,
        about: Literal["source", "key", "surroundings"] = "source",
    ) -> None:
        self.source = source
        self.reason = reason
        self.hint = hint
        self.about = about
        super().__init__(f"{source}: {reason} ({hint})" if hint else f"{source}: {reason}")


class SecretMissing(JobError):
    """The environment variable `variable` is not set."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        super().__init__(f"the environment variable {variable} is not set")


class InputUnreadable(JobError):
    """What a job's answers are made of (`refresh_when`) cannot be looked at."""

    def __init__(self, job: str, text: str, reason: str) -> None:
        self.job = job
        self.text = text
        self.reason = reason
        super().__init__(f"refresh_when of {job}: {text}: {reason}")


class RuleFailed(JobError):
    """R cannot evaluate a rule about changed answers (`notify`), or it says neither yes nor no."""

    def __init__(self, rule: str, reason: str) -> None:
        self.rule = rule
        self.reason = reason
        super().__init__(f"the rule '{rule}' failed: {reason}")


class RowNotFound(JobError):
    """The table of the rows job has no row with that key; `hint` says what may help."""

    def __init__(self, job: str, row_key: object, hint: str = "") -> None:
        self.job = job
        self.row_key = row_key
        self.hint = hint
        text = f"{job} has no row with key {row_key!r}"
        super().__init__(f"{text} ({hint})" if hint else text)


class NoAnswerThen(JobError):
    """The job had no answer at that moment, or it is kept no longer; `earliest` is the first one.

    `served_until` is the end of the last one's time, if there was one that was past it.
    """

    def __init__(
        self,
        job: str,
        moment: datetime,
        *,
        earliest: datetime | None = None,
        served_until: datetime | None = None,
    ) -> None:
        self.job = job
        self.moment = moment
        self.earliest = earliest
        self.served_until = served_until
        text = f"{job} has no answer of {to_text(moment)}"
        if served_until is not None:
            text += f": the one before was served until {to_text(served_until)}"
        elif earliest is not None:
            text += f": the earliest that is kept is of {to_text(earliest)}"
        super().__init__(text)


class RefusedMiss(JobError):
    """The answer is not prepared, and the job says `on_miss: refuse`."""

    def __init__(self, job: str) -> None:
        self.job = job
        super().__init__(f"{job} has no prepared answer for these arguments and computes none")


class CallFailed(JobError):
    """R raised an error: `evaluation` has its text, the session all that was printed until then.

    `limit` is the limit that the call reached, if that is why.
    """

    def __init__(
        self,
        function: str,
        session_key: str,
        evaluation: Evaluation,
        limit: LimitReached | None = None,
    ) -> None:
        self.function = function
        self.session_key = session_key
        self.evaluation = evaluation
        self.limit = limit
        said = evaluation.error_message or evaluation.error or "R raised an error"
        super().__init__(said if limit is None else str(limit))


class RunNotFound(JobError):
    """No run has that number."""

    def __init__(self, run: object) -> None:
        self.run = run
        super().__init__(f"there is no run {run}")


class CatalogError(JobError):
    """The catalog cannot be read or written."""


class CatalogUnavailable(CatalogError):
    """The database did not answer as it should: busy too long, unreadable, out of space, ..."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the catalog cannot be used: {reason}")


class LeaseLost(CatalogError):
    """Another process holds the lease now, so that nothing may be written in its name here."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"another process holds the lease '{name}' now")


class CatalogTooNew(CatalogError):
    """A later Larder wrote this catalog; this one must not touch it."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        super().__init__(
            f"the catalog is at revision {revision}, which this Larder does not know;"
            " use the version that wrote it, or restore an older backup"
        )


class RunInProgress(JobError):
    """The job is being run already, as run number `run` where that is known."""

    def __init__(self, job: str, run: int | None = None) -> None:
        self.job = job
        self.run = run
        super().__init__(f"{job} is being run already" + (f", as run {run}" if run else ""))


class RunInterrupted(JobError):
    """A run cannot go on now, through no fault of its cells: no engine, the server stops, ..."""

    def __init__(self, job: str, reason: str) -> None:
        self.job = job
        self.reason = reason
        super().__init__(f"the run of {job} was interrupted: {reason}")


class RunEnded(JobError):
    """Somebody else closed the run, or took it over, while it went on here."""

    def __init__(self, job: str, run: int) -> None:
        self.job = job
        self.run = run
        super().__init__(f"run {run} of {job} is no longer this process's")


class RunFinished(JobError):
    """The run has ended: there is nothing left to cancel."""

    def __init__(self, run: int, status: str) -> None:
        self.run = run
        self.status = status
        super().__init__(f"run {run} has ended already: {status}")


class RunQueueFull(JobError):
    """More runs wait than anybody can mean to."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(f"{waiting} runs are waiting already; try again when some have ended")


class ScheduleNotFound(JobError):
    """No schedule has that id."""

    def __init__(self, schedule_id: str) -> None:
        self.schedule_id = schedule_id
        super().__init__(f"there is no schedule '{schedule_id}'")


class SessionPinned(JobError):
    """The session holds an answer that a run of the job prepared: it is not removed alone."""

    def __init__(self, session_key: str, job: str) -> None:
        self.session_key = session_key
        self.job = job
        super().__init__(
            f"session {session_key} holds a prepared answer of the job '{job}': it stays until a"
            " run of that job replaces it, or its `cache.keep` is over"
        )
