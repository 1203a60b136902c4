"""Earlier answers: what a job answered at a moment of the past."""

from datetime import datetime, timedelta
from typing import Final

from cache.entry import Entry
from cache.keys import cache_key
from cache.tables import RowAnswer
from jobs.call import Call
from jobs.errors import NoAnswerThen
from jobs.job import Job
from jobs.pantry import Pantry
from jobs.repository import Catalog

SETTLED_AFTER: Final = timedelta(minutes=1)
"""Nothing is put any more as of a moment that is so long over."""


def find_earlier(pantry: Pantry, catalog: Catalog, job: Job, call: Call, moment: datetime) -> Entry:
    """The answer to the call that was current then, under whatever version of the job.

    Raises:
        NoAnswerThen: There was none, or it was no longer served.
        StoreUnavailable: The store cannot be read.
    """
    keys = _keys(catalog, job, call, moment)
    for key in keys:
        entry = pantry.store.as_of(key, moment)
        if entry is not None:
            if moment >= entry.stale_until:
                raise NoAnswerThen(job.name, moment, served_until=entry.stale_until)
            return entry
    began = [at for key in keys if (at := pantry.store.earliest(key)) is not None]
    raise NoAnswerThen(job.name, moment, earliest=min(began, default=None))


def find_earlier_row(pantry: Pantry, job: Job, row_key: str, moment: datetime) -> RowAnswer:
    """The row that was current then.

    Raises:
        NoAnswerThen: There was none, or it was no longer served.
        StoreUnavailable: The table cannot be read.
    """
    table = pantry.row_answers.table(job).past
    answer = table.as_of(row_key, moment)
    if answer is None:
        raise NoAnswerThen(job.name, moment, earliest=table.earliest(row_key))
    if moment >= answer.stale_until:
        raise NoAnswerThen(job.name, moment, served_until=answer.stale_until)
    return answer


def is_settled(moment: datetime, now: datetime) -> bool:
    """Whether what was current at the moment can become nothing else."""
    return now - moment > SETTLED_AFTER


def _keys(catalog: Catalog, job: Job, call: Call, moment: datetime) -> list[str]:
    """The keys that the call had: under the version of then first, and under that of now."""
    keys = []
    made = [one for one in catalog.versions(job.name) if one.since <= moment]
    for version in made[:1]:
        function = str(version.definition.get("function", job.qualified))
        seed = version.definition.get("seed")
        whole = job.complete(call.arguments) if job.declares(call.arguments) else call.arguments
        keys.append(cache_key(function, whole, seed=seed))
    return list(dict.fromkeys([*keys, call.cache_key(job)]))
