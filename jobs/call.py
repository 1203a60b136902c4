"""Call: what is asked of R, whichever door it came through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cache.keys import Value
from engine.call import FunctionCall
from engine.reach import named_sessions
from jobs.argument import identity
from jobs.grid import Cell
from jobs.job import Job
from jobs.r_values import engine_arguments

__all__ = ["Call", "Cell", "call_of_cell", "call_of_query", "is_prepared"]


def no_inputs(_stage: Path) -> None:
    """Puts nothing into the call's folder."""


def any_session(_session_key: str) -> bool:
    """Lets a call name every session."""
    return True


@dataclass(frozen=True)
class Call:
    """A function and its arguments.

    Attributes:
        function: Qualified: "scoring::gain".
        arguments: By name, as values that have a key.
        request: The same as the engine takes it, where it came in other forms than values
            (uploads, serialized objects, R source to be read by R); None: made of `arguments`.
        place_inputs: Puts uploads into the call's folder before R starts.
        owner: Whose session it makes, if somebody asked.
        may_name: Whether the session of a key is there for whoever asked.
    """

    function: str
    arguments: Mapping[str, Value] = field(default_factory=dict)
    request: FunctionCall | None = None
    place_inputs: Callable[[Path], None] = field(default=no_inputs, compare=False)
    owner: str = field(default="", compare=False)
    may_name: Callable[[str], bool] = field(default=any_session, compare=False)
    _keys: dict[str, tuple[Job, str]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def repeatable(self) -> bool:
        """Whether it can be run later too: uploads are only there while their request lasts."""
        return self.place_inputs is no_inputs

    def cache_key(self, job: Job) -> str:
        """Its key under a job; worked out once, for a call that is remembered and asked again."""
        known = self._keys.get(job.name)
        if known is None or known[0] is not job:
            known = self._keys[job.name] = (job, job.cache_key(self.arguments))
        return known[1]

    def hiding(self, request: FunctionCall, stage: Path) -> FunctionCall:
        """The request, with those sessions hidden that it must not name."""
        if self.may_name is any_session:
            return request
        named = named_sessions(request.to_wire(), stage)
        return replace(request, hidden=tuple(sorted(k for k in named if not self.may_name(k))))

    def for_engine(self, job: Job | None = None) -> FunctionCall:
        """The call as R is asked it: for a job, with its defaults and its seed.

        Raises:
            ValueInvalid: A value has no form in which R could be given it.
            ArgumentInvalid: A value could read a secret of the job.
            SecretMissing: The variable of a secret is not set.
        """
        if job is not None:
            job.guard_secrets(self.arguments)
        package, _, function = self.function.partition("::")
        request = self.request or FunctionCall(package, function, engine_arguments(self.arguments))
        if job is None:
            return request
        left_out = {}
        if job.declares(self.arguments):
            given = self.arguments
            left_out = {n: value for n, value in job.defaults().items() if n not in given}
        arguments = (*request.arguments, *engine_arguments(left_out))
        return replace(request, arguments=arguments, seed=job.seed, checks=job.checks)


def call_of_cell(job: Job, cell: Cell) -> Call:
    """The call that computes a cell of the job."""
    return Call(job.qualified, cell.arguments)


def call_of_query(job: Job, values: Mapping[str, Value]) -> Call:
    """The call that answers checked values, as `Job.arguments_from_query` gives them."""
    return Call(job.qualified, dict(values))


def is_prepared(job: Job, arguments: Mapping[str, Value]) -> bool:
    """Whether the job's runs compute this argument set: it is a cell of the grid."""
    if job.grid is None or not job.declares(arguments):
        return False
    whole = job.complete(arguments)
    key = job.cache_key(whole)
    if any(job.cache_key(one) == key for one in job.grid.included):
        return True
    axes = {axis.name for axis in job.grid.axes}
    others = {name: value for name, value in whole.items() if name not in axes}
    return (
        others.keys() <= job.defaults().keys()
        and _are_defaults(job, others)
        and (job.grid.has(whole))
    )


def _are_defaults(job: Job, values: Mapping[str, Value]) -> bool:
    defaults = job.defaults()
    return all(identity(value) == identity(defaults[name]) for name, value in values.items())
