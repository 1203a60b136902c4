"""The part of checking that asks R: does the function exist, and take these arguments?"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cache.keys import Secret, form_value
from engine.errors import CallRefused, FunctionNotFound, PackageNotFound
from engine.evaluation import FunctionContract
from jobs.argument import NO_DEFAULT, identity
from jobs.job import Job
from jobs.nearest import did_you_mean, nearest
from jobs.problem import Problem
from jobs.project import Project

Contract = Callable[[str, str], FunctionContract]
"""From package and function to what the function takes; `Pool.contract` is one."""

Functions = Callable[[str], Sequence[str]]
"""From a package to the names of its functions, for hints."""


CodeProblems = Callable[[Sequence[str]], Sequence[str]]
"""From R expressions to why each is none, an empty text where it is; `Pool.code_problems`."""


def check(
    project: Project,
    contract: Contract,
    *,
    functions: Functions | None = None,
    code_problems: CodeProblems | None = None,
) -> list[Problem]:
    """What R finds wrong with the project's jobs; what the files show alone is not repeated.

    Raises:
        EngineError: If R cannot be asked at all.
    """
    jobs = list(project.jobs.values())
    found = [problem for job in jobs for problem in check_job(job, contract, functions=functions)]
    return [*found, *(check_code(jobs, code_problems) if code_problems else ())]


def check_code(jobs: Iterable[Job], code_problems: CodeProblems) -> Iterator[Problem]:
    """What of the R expressions in the jobs R cannot read; all are asked about at once."""
    written = [(job, *one) for job in jobs for one in job.code.items()]
    reasons = code_problems([text for *_, text in written]) if written else ()
    for (job, path, text), reason in zip(written, reasons, strict=True):
        if reason:
            yield job.source.problem(path, f"'{text}' is no R expression: {reason}")


def check_job(
    job: Job, contract: Contract, *, functions: Functions | None = None
) -> Iterator[Problem]:
    """What R finds wrong with one job; see `check`."""
    try:
        known = contract(job.package, job.function)
    except PackageNotFound:
        message = f"R finds no package '{job.package}'"
        hint = "install it, or check the spelling; models/*.R are the project's own package"
        yield job.source.problem(("function",), message, hint)
        return
    except FunctionNotFound as error:
        names = functions(job.package) if functions else ()
        hint = did_you_mean(job.function, names, otherwise=error.text.partition("\n")[0])
        yield job.source.problem(("function",), f"R finds no function {job.qualified}", hint)
        return
    except CallRefused:
        hint = "name a function; a value is returned by one"
        yield job.source.problem(("function",), f"{job.qualified} is no function", hint)
        return
    formals = {formal.name: formal.default for formal in known.formals if formal.name != "..."}
    yield from _unknown_arguments(job, formals, takes_any=known.dots)
    yield from _missing_arguments(job, formals)
    yield from _other_defaults(job, formals)


def _unknown_arguments(
    job: Job, formals: dict[str, str | None], *, takes_any: bool
) -> Iterator[Problem]:
    asked = [(spec.name, ("args", spec.name)) for spec in job.arguments]
    if job.rows is not None:
        asked.append((job.rows.pass_as, ("rows", "pass_as")))
    for name, path in asked:
        if name not in formals and not takes_any:
            takes = f"it takes {', '.join(formals)}" if formals else "it takes none"
            hint = did_you_mean(name, formals, otherwise=takes)
            yield job.source.problem(path, f"{job.qualified} takes no argument '{name}'", hint)


def _missing_arguments(job: Job, formals: dict[str, str | None]) -> Iterator[Problem]:
    given = {spec.name for spec in job.arguments}
    if job.rows is not None:
        given.add(job.rows.pass_as)
    meant = {nearest(name, formals) for name in given - formals.keys()}
    for name, default in formals.items():
        if default is None and name not in given | meant:
            yield job.source.problem(
                ("args",) if job.arguments else ("function",),
                f"{job.qualified} has an argument '{name}' without a default, and the job none",
                f"add {name} to args, unless the function does without it",
                severity="warning",
            )


def _other_defaults(job: Job, formals: dict[str, str | None]) -> Iterator[Problem]:
    """A call that leaves the argument out would mean one thing to the job and another to R."""
    for spec in job.arguments:
        in_r = formals.get(spec.name)
        if in_r is None or spec.default is NO_DEFAULT or isinstance(spec.default, Secret):
            continue
        if identity(form_value(in_r)) != identity(spec.default):
            yield job.source.problem(
                ("args", spec.name, "default"),
                f"the default of '{spec.name}' is another one in R: {in_r}",
                "make them the same, so that every way of calling means the same",
                severity="warning",
            )
