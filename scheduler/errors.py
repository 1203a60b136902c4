"""The exceptions of `scheduler`.

SchedulerError
└── TriggerInvalid      a schedule that names no times
"""


class SchedulerError(Exception):
    """Root of everything `scheduler` raises."""


class TriggerInvalid(SchedulerError):
    """A schedule that names no times: a field out of range, an unknown zone, ..."""

    def __init__(self, text: str, timezone: str, reason: str) -> None:
        self.text = text
        self.timezone = timezone
        self.reason = reason
        super().__init__(f"the schedule '{text}' ({timezone}) cannot be followed: {reason}")
