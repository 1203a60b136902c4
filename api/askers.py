"""On whose behalf R is asked for each caller, and how much of it they may have."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.access_config import AccessConfig
from api.caller import Caller
from api.r_taken import DayAllowance, RTaken
from engine.asker import NOBODY, Asker

REMEMBERED = 10_000


@dataclass
class Askers:
    """Gives each caller their asker.

    Attributes:
        taken: The time of R that they had.
        config: What the operator decided.
    """

    taken: RTaken
    config: AccessConfig
    _known: dict[tuple[str, int | None, float | None], Asker] = field(default_factory=dict)

    def of(self, caller: Caller) -> Asker:
        """Returns who asks R for a caller; who has no name is bound by nothing of their own."""
        if not caller.name:
            return NOBODY
        bounds = (caller.name, caller.concurrent, caller.r_seconds)
        known = self._known.get(bounds)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[bounds] = self._asker(caller)
        return known

    def _asker(self, caller: Caller) -> Asker:
        seconds = caller.r_seconds or self.config.r_seconds
        return Asker(
            caller.name,
            most_running=caller.concurrent or self.config.concurrent,
            most_waiting=self.config.queue,
            allowance=None if seconds is None else DayAllowance(self.taken, caller.name, seconds),
        )
