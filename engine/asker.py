"""Askers: on whose behalf R is asked, and how much of it they may have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Protocol


class Allowance(Protocol):
    """The time of R that an asker may take."""

    def check(self) -> None:
        """Returns if there is some left.

        Raises:
            AllowanceSpent: there is none.
        """


@dataclass(frozen=True)
class Asker:
    """Who asks R. A thread serves one of them, and asks in many places: so it is not passed on.

    Attributes:
        name: Calls that wait get their turn by fair shares of these; a session stays in memory for
            calls of the same one. Work that the server does by itself has none.
        most_running: Calls that run for them at a time; further ones wait. None is no limit.
        most_waiting: Calls that wait for them; further ones are refused. None is no limit.
        allowance: Their time of R; None is no limit.
    """

    name: str = ""
    most_running: int | None = None
    most_waiting: int | None = None
    allowance: Allowance | None = None

    def check(self) -> None:
        """Returns if they may ask R now.

        Raises:
            AllowanceSpent: they have had all their time of R.
        """
        if self.allowance is not None:
            self.allowance.check()

    def to_wire(self) -> dict[str, Any]:
        """Returns what the broker has to know, as plain values."""
        return {
            "owner": self.name,
            "most_running": self.most_running,
            "most_waiting": self.most_waiting,
        }


NOBODY = Asker()
"""The server itself."""


def current_asker() -> Asker:
    """Returns on whose behalf this thread or task asks."""
    return _current.get()


def set_asker(asker: Asker) -> Token[Asker]:
    """Has this task, and all threads that share its context, ask on somebody's behalf."""
    return _current.set(asker)


@contextmanager
def asked_by(asker: Asker) -> Iterator[None]:
    """Has what is done within ask on somebody's behalf."""
    token = set_asker(asker)
    try:
        yield
    finally:
        _current.reset(token)


_current: ContextVar[Asker] = ContextVar("asker", default=NOBODY)
