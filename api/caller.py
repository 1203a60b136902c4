"""The caller: who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from api.allow_list import allows, matches
from jobs.access_key import AccessKey
from jobs.role import Role

_SCOPE_KEY: Final = "larder.caller"


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    Attributes:
        name: The key's name; empty where no keys are asked for. Sessions, fair shares of R and
            limits go by it, so that they outlive the exchange of a key.
        role: What they may do.
        address: Where the request came from, behind the configured proxies.
        key_id: The key's number; None where none was shown.
        functions: Patterns of the functions they may call; none allows all.
        jobs: Patterns of the jobs whose answers they may read; none allows all.
        origins: Pages they may call from; none is any that the server allows.
        rate: Requests in a time, as `100/minute`; None is without limit of their own.
        concurrent: Calls that run for them at a time; None is the server's own.
        r_seconds: Seconds of R in a day; None is the server's own.
    """

    name: str = ""
    role: Role = Role.ADMIN
    address: str = field(default="", compare=False)
    key_id: int | None = None
    functions: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    rate: str | None = None
    concurrent: int | None = None
    r_seconds: float | None = None

    @classmethod
    def with_key(cls, key: AccessKey, address: str) -> Caller:
        """Returns whoever showed this key."""
        return cls(
            name=key.name,
            role=key.role,
            address=address,
            key_id=key.id,
            functions=key.functions,
            jobs=key.jobs,
            origins=key.origins,
            rate=key.rate,
            concurrent=key.concurrent,
            r_seconds=key.r_seconds,
        )

    @property
    def is_anyone(self) -> bool:
        """Whether nobody was asked who they are."""
        return self == ANYONE

    @property
    def sends_code(self) -> bool:
        """Whether arguments may be R code, files and scripts; else they are data alone."""
        return self.role.covers(Role.ANALYST)

    @property
    def starts_r(self) -> bool:
        """Whether R is asked for what is not prepared."""
        return self.role.covers(Role.CALLER)

    @property
    def installs(self) -> bool:
        """Whether what they ask for is installed where it is not there yet."""
        return self.role.covers(Role.ADMIN)

    @property
    def sees_all(self) -> bool:
        """Whether they see the sessions and calls of others; without keys everybody does."""
        return self.role.covers(Role.OPERATOR)

    def may_call(self, function: str) -> bool:
        """Whether the key's own patterns let call `package::name`; see `api.rights` for all."""
        return not self.functions or allows(self.functions, function)

    def may_read(self, job: str) -> bool:
        """Whether they may read the answers of a job."""
        return not self.jobs or any(matches(one, job) for one in self.jobs)


ANYONE = Caller()
"""Whoever asks where no keys are asked for."""


def caller_of(scope: Scope) -> Caller:
    """Returns who makes the request of this scope; the gate has set it."""
    caller: Caller = scope.get(_SCOPE_KEY, ANYONE)
    return caller


def known_caller(scope: Scope) -> Caller | None:
    """Returns who makes the request; None where that did not come out."""
    caller: Caller | None = scope.get(_SCOPE_KEY)
    return caller


def set_caller(scope: Scope, caller: Caller) -> None:
    """Notes who makes the request."""
    scope[_SCOPE_KEY] = caller
