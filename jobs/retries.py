"""Retries: how often a run tries again what failed, and how long it waits before."""

import random
from dataclasses import dataclass
from typing import Final

from engine.errors import EndedByCall, RError, WorkerDied

DOUBLING: Final = 2.0
JITTER: Final = 0.5


@dataclass(frozen=True)
class Retries:
    """How often a failed call is tried again.

    Attributes:
        times: Attempts after the first.
        wait_s: Pause before the first of them; each pause is twice as long as the one before.
        at_most_s: The longest pause.
    """

    times: int = 0
    wait_s: float = 1.0
    at_most_s: float = 60.0

    def again(self, attempt: int, error: Exception) -> bool:
        """Whether what failed at this attempt, counted from 1, is to be tried once more.

        Only what may pass is: an error of R (a service that did not answer, an unlucky draw) and
        R's sudden death. What reached a limit would reach it again, at the same cost; a call that
        ends R by `q()` or cannot even be made will do the same the next time.
        """
        passes = isinstance(error, RError | WorkerDied) and not isinstance(error, EndedByCall)
        return passes and attempt <= self.times

    def pause_s(self, attempt: int) -> float:
        """The pause behind this attempt, shortened at random, so that not all come back at once."""
        longest = min(self.at_most_s, self.wait_s * DOUBLING ** (attempt - 1))
        return longest * random.uniform(1 - JITTER, 1)  # noqa: S311 - no secret


NO_RETRIES: Final = Retries()
