"""NotifySpec: who is told of what, as a job's entry says under `notify`."""

from dataclasses import dataclass, field
from typing import Final

from jobs.problem import KeyPath
from jobs.secret import EnvEntry


@dataclass(frozen=True)
class Webhook:
    """An address that messages are sent to; it may be a secret as a whole.

    Attributes:
        url: The address, or the variable that has it.
        secret: The variable with the key that messages are signed with, or None.
    """

    url: str | EnvEntry = field(repr=False)
    secret: EnvEntry | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NotifySpec:
    """Who is told of what.

    Attributes:
        failed: Of runs that failed, as a whole or in part, and of the first that succeeds after.
        stale: Of answers that nothing has made fresh again.
        changed: Of answers for which one of these R expressions about `new` and `old` is TRUE.
        webhook: Where messages are sent, or None.
        email: To whom they are sent.
        places: Where the expressions are written, from the job's own mapping.
    """

    failed: bool = False
    stale: bool = False
    changed: tuple[str, ...] = ()
    webhook: Webhook | None = None
    email: tuple[str, ...] = ()
    places: tuple[KeyPath, ...] = field(default=(), compare=False, repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """The ways that messages go."""
        return (*(["webhook"] if self.webhook else []), *(["email"] if self.email else []))


NOBODY: Final = NotifySpec()
"""Nobody is told of anything."""
