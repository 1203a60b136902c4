"""`as_of`: the moment of the past that a request asks about, and how its answers may be kept."""

from __future__ import annotations

from datetime import datetime

from api.reply import Headers
from cache.clock import to_text
from jobs.earlier import is_settled
from jobs.job import Job
from jobs.moment import parse_moment
from jobs.pantry import Pantry

AS_OF = "as_of"


def take_moment(
    pantry: Pantry, job: Job, pairs: list[tuple[str, str]]
) -> tuple[datetime | None, list[tuple[str, str]]]:
    """Returns the moment that a query asks about, and what else it says.

    Where the job itself has an argument of that name, or such a key, that is meant.

    Raises:
        ValueInvalid: it is no moment of the past.
    """
    own = job.argument(AS_OF) is not None or (job.rows is not None and job.rows.key == AS_OF)
    asked = [] if own else [value for name, value in pairs if name == AS_OF]
    if not asked:
        return None, pairs
    moment = parse_moment(asked[-1], job.timezone, pantry.clock())
    return moment, [pair for pair in pairs if pair[0] != AS_OF]


def moment_headers(moment: datetime, now: datetime) -> Headers:
    """Returns which moment an answer is of, and that it may be kept for ever once that is over."""
    control = "max-age=31536000, public, immutable" if is_settled(moment, now) else "no-cache"
    return (("Cache-Control", control), ("Larder-As-Of", to_text(moment)))
