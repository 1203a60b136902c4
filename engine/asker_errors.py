"""Errors of askers who may not have R now; `engine.errors` has the tree."""

from __future__ import annotations

from engine.errors import EngineError


class AskerRefused(EngineError):
    """Whoever asks may not have R now.

    Attributes:
        owner: Who it is.
        retry_after_s: Seconds after which they may, as far as can be told.
    """

    def __init__(self, message: str, owner: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.owner = owner
        self.retry_after_s = retry_after_s


class AskerBusy(AskerRefused):
    """As many calls of theirs wait as may: access.queue."""

    def __init__(self, waiting: int, owner: str, retry_after_s: float) -> None:
        message = f"{waiting} calls with this key are waiting, as many as may; try again soon"
        super().__init__(message, owner, retry_after_s)
        self.waiting = waiting


class AllowanceSpent(AskerRefused):
    """They had their seconds of R for today; what is prepared is answered as before."""

    def __init__(self, allowed_s: float, owner: str, retry_after_s: float) -> None:
        message = f"calls with this key have had the {allowed_s:,.10g} seconds of R of one day"
        super().__init__(f"{message}; the next begins at midnight UTC", owner, retry_after_s)
        self.allowed_s = allowed_s
