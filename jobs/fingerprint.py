"""The fingerprint of a job's input: the same as long as the input is."""

from hashlib import blake2b, file_digest
from typing import Final

from cache.border import disk_border
from engine.call import Argument, FunctionCall, Output, Priority
from engine.errors import EngineBusy, EngineError, EngineUnavailable
from jobs.errors import InputUnreadable, RowsUnreadable
from jobs.input_spec import InputSpec
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.sql_query import SqlQuery

_VALUE: Final = Output("rds", "rds")


def fingerprint(job: Job, pantry: Pantry) -> str | None:
    """The fingerprint of the job's input as it is now; None where the job names none.

    Raises:
        InputUnreadable: It cannot be looked at.
        EngineUnavailable, EngineBusy: R cannot be asked now.
        StoreFull, StoreUnavailable: R has nowhere to work.
    """
    if job.input is None:
        return None
    content = _LOOK[job.input.kind](job.input, job, pantry)
    return blake2b(
        f"{job.input.kind} {job.input.text} {content}".encode(), digest_size=16
    ).hexdigest()


def _file(spec: InputSpec, job: Job, _pantry: Pantry) -> str:
    try:
        with spec.path.open("rb") as file:
            return file_digest(file, blake2b).hexdigest()
    except OSError as error:
        raise InputUnreadable(job.name, spec.text, error.strerror or str(error)) from error


def _answer(spec: InputSpec, job: Job, _pantry: Pantry) -> str:
    try:
        return SqlQuery(spec.url, spec.text, spec.folder).digest()
    except RowsUnreadable as error:
        raise InputUnreadable(job.name, spec.text, error.reason) from error


def _value(spec: InputSpec, job: Job, pantry: Pantry) -> str:
    """The digest of what the expression gives where the functions of the job's package are."""
    code = f'eval(quote({{\n{spec.text}\n}}), new.env(parent = asNamespace("{job.package}")))'
    call = FunctionCall("base", "identity", (Argument("x", "code", code),), seed=job.seed)
    stage = pantry.sessions.stage()
    try:
        with disk_border(pantry.sessions.root):
            done = pantry.pool.evaluate(
                call,
                stage=stage.path,
                limits=job.limits(pantry.limits),
                priority=Priority.SCHEDULED,
                outputs=(_VALUE,),
            )
    except (EngineUnavailable, EngineBusy):
        raise
    except EngineError as error:
        raise InputUnreadable(job.name, spec.text, str(error)) from error
    finally:
        pantry.sessions.discard(stage)
    body = done.bodies.get(_VALUE.label)
    if body is None:
        reason = done.error_message or "its value cannot be kept"
        raise InputUnreadable(job.name, spec.text, reason)
    return blake2b(body.content).hexdigest()


_LOOK: Final = {"file": _file, "r": _value, "sql": _answer}
