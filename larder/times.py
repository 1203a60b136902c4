"""Times and durations as people say them, coarsely."""

from datetime import UTC, datetime

_UNITS = ((86400.0, "day", "days"), (3600.0, "h", "h"), (60.0, "min", "min"))


def span(seconds: float) -> str:
    """The duration in one unit: "0.4 s", "12 s", "5 min", "3 h", "2 days"."""
    seconds = max(0.0, seconds)
    for length, one, many in _UNITS:
        count = int(seconds / length)
        if count >= 1:
            return f"{count} {one if count == 1 else many}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago that was."""
    return f"{span((now - moment).total_seconds())} ago"


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
