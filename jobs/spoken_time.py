"""Durations and ages as people say them, coarsely."""

from datetime import datetime

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
