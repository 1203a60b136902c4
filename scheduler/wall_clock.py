"""From what a zone's clock shows to the instants at which it shows it; pure, instants in UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def once(wall: datetime, zone: ZoneInfo) -> datetime:
    """Returns the instant of a clock time: the first if it comes twice, the gap's end if never."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # In a gap, fold 0 reckons with the offset before it, fold 1 with the one after it:
    # their instants lie on both sides of the change, which is then found by halving.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    late = instant
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def repeating(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Returns every instant at which the clock shows this time: none, one or two."""
    instants = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return [moment for moment in instants if moment.astimezone(zone).replace(tzinfo=None) == wall]
