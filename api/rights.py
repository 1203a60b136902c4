"""Rights: what a caller may have done, beyond what their role opens; decided before R is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.allow_list import allows, allows_package
from api.argument_rules import ArgumentRules
from api.caller import Caller
from api.package_address import PackageAddress
from api.refusals import Forbidden
from jobs.errors import JobNotFound
from jobs.job import Job
from jobs.job_set import JobSet

DATA: Final = "datasets"
"""The package whose data sets whoever may call anything may name: it has nothing else."""


@dataclass(frozen=True)
class Rights:
    """What a caller may do on this server as it is now.

    Attributes:
        caller: Who asks.
        jobs: The jobs as they are defined.
        call: Patterns of the functions that may be called, by whomever; None is no such list.
        code: Whether the server takes R code at all.
    """

    caller: Caller
    jobs: JobSet
    call: tuple[str, ...] | None = None
    code: bool = True

    @property
    def sends_code(self) -> bool:
        """Whether arguments may be R code."""
        return self.code and self.caller.sends_code

    @property
    def calls_anything(self) -> bool:
        """Whether no list bounds the functions that may be called."""
        return self.call is None and not self.caller.functions and self.caller.sends_code

    @property
    def arguments(self) -> ArgumentRules:
        """What arguments may be."""
        by_role = not self.caller.sends_code
        return ArgumentRules(self.sends_code, not by_role, by_role, self._may_name)

    def jobs_of(self, function: str) -> tuple[Job, ...]:
        """The jobs that declare the function and whose answers may be read."""
        return tuple(one for one in self.jobs.declaring(function) if self.caller.may_read(one.name))

    def may_call(self, function: str) -> bool:
        """Whether the function `package::name` may be called.

        A list of the key's own counts, and that of the server, which a job's function is always
        on. Without either, who sends code may call all, and who sends data what jobs declare.
        """
        declared = bool(self.jobs_of(function))
        within = self.call is None or declared or allows(self.call, function)
        if self.caller.functions:
            return within and self.caller.may_call(function)
        if self.caller.sends_code:
            return within
        return declared or (self.call is not None and within)

    def may_look(self, package: str) -> bool:
        """Whether the package's data, pages and files may be read: where one of its functions may.

        A package of another library is named by its place, as in patterns.
        """
        if self.calls_anything or package == DATA:
            return True
        if self.caller.functions:
            return allows_package(self.caller.functions, package)
        of_jobs = any(job.package == package for job in self.readable)
        if self.call is None:
            return of_jobs or self.caller.sends_code
        return of_jobs or allows_package(self.call, package)

    def _may_name(self, package: str) -> bool:
        return package != "" and self.may_look(package)

    def check_call(self, function: str) -> None:
        """Lets pass what may be called.

        Raises:
            Forbidden: the function may not.
        """
        if not self.may_call(function):
            raise Forbidden(self._why_not(function))

    def check_look(self, package: PackageAddress) -> None:
        """Lets pass what may be read.

        Raises:
            Forbidden: the package may not.
        """
        if not self.may_look(package.place):
            raise Forbidden(self._why_not(f"{package.place}::*"))

    def check_code(self, what: str) -> None:
        """Lets pass what runs code that no list of functions knows: scripts, functions of sessions.

        Raises:
            Forbidden: that is not for this caller.
        """
        if not self.caller.sends_code:
            raise Forbidden(f"{what} is for keys with the role analyst: this key sends data alone")
        if not self.code and not self.calls_anything:
            raise Forbidden(f"{what} is on no list of functions (call in larder.yaml)")

    def check_read(self, job: str) -> None:
        """Lets pass what may be read.

        Raises:
            Forbidden: the answers of this job may not, whether there is one or not.
        """
        if not self.caller.may_read(job):
            raise Forbidden(f"this key is not for the job {job}")

    def job(self, name: str) -> Job:
        """The job of this name.

        Raises:
            Forbidden: its answers may not be read, whether there is one or not.
            JobNotFound: there is none; no other is named that may not be read.
        """
        self.check_read(name)
        try:
            return self.jobs.job(name)
        except JobNotFound as error:
            if error.nearest and not self.caller.may_read(error.nearest):
                raise JobNotFound(name) from None
            raise

    @property
    def readable(self) -> list[Job]:
        """The jobs whose answers may be read."""
        return [job for job in self.jobs.values() if self.caller.may_read(job.name)]

    def _why_not(self, function: str) -> str:
        if self.caller.functions and not self.caller.may_call(function):
            return f"this key is not for {function}, but for {', '.join(self.caller.functions)}"
        if self.call is not None:
            return (
                f"{function} may not be called on this server; its operator can allow it in "
                f'larder.yaml: call: ["{function}"]'
            )
        return (
            f"this key may call what jobs declare, not {function}: its operator can make one with "
            f"--functions '{function}', or allow it to all in larder.yaml: call: [\"{function}\"]"
        )
