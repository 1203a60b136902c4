"""Times and durations as people say them, coarsely."""

from datetime import UTC, datetime

from jobs.spoken_time import span


def local(moment: datetime) -> str:
    """The moment by the clock on the wall here: "2026-11-24 05:00"."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def to_come(moment: datetime, now: datetime, *, past: str = "overdue") -> str:
    """The moment by the clock here, and in how long that is; `past` if it has been."""
    left_s = (moment - now).total_seconds()
    return f"{local(moment)} ({'in ' + span(left_s) if left_s > 0 else past})"


def iso(moment: datetime | None) -> str | None:
    """The moment for programs."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
